import { AppError } from "../../../kernel/app-error.ts";
import type { ColumnField } from "../../../core/records/model.ts";
import type { TextRows } from "../connection/text-rows.ts";
import type { ToDecimal } from "../records/read-values.ts";
import type { TableShape } from "../records/table-shape.ts";
import type { RecordWork, RecordWriter, WrittenBatch } from "../../../core/bulk/record-writer.ts";
import { isPlainWork } from "../../../core/bulk/record-writer.ts";
import { writtenValues } from "../../../core/bulk/written-values.ts";
import type { RecordProblem } from "../../../core/refusals/problems.ts";
import type { RecordBatch } from "../../../core/tasks/record-batch.ts";
import type { Transaction } from "../../../core/transactions/transaction.ts";
import { requiredSession } from "../../../core/transactions/transaction.ts";
import type { Decision } from "../../../core/transactions/run-or-roll-back.ts";
import { runOrRollBack } from "../../../core/transactions/run-or-roll-back.ts";
import { isLostRace, retryLostRaces } from "../connection/lost-race.ts";
import { pgProblem } from "./pg-problem.ts";
import type { GuardedStatement, GuardedStatements } from "./guarded-statements.ts";
import { createGuardedStatements } from "./guarded-statements.ts";
import { isEmulated } from "./emulated-way.ts";
import type { BatchWriting } from "./reach-records.ts";
import { writeBatch } from "./write-batch.ts";
import type { WritePorts } from "./write-chunk.ts";
import { writeNamed } from "./write-named.ts";
import { failedErrors } from "./write-set.ts";

/** What single records are written with. */
export interface RecordWritePorts extends WritePorts {
  /** For single statements. */
  readonly rows: TextRows;
  readonly toDecimal: ToDecimal;
}

/** Writes records with the statements that write chunks. */
export function createPostgresRecordWriter(ports: RecordWritePorts): RecordWriter {
  const statements = createGuardedStatements(ports.toDecimal);
  return {
    writeGuarded: (work, batch, returning) =>
      raced(() => writeGuarded(ports, statements, work, batch, returning)),
    run: (work, body) => raced(() => runWork(ports, work, body)),
    writeBatch: async (transaction, work, batch) =>
      writeNamed({ ...ports, work, transaction, ...(await tablesOf(ports, work)) }, batch),
  };
}

/** Repeats the write after a lost race, which has changed nothing. */
async function raced<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await retryLostRaces(work);
  } catch (error) {
    throw isLostRace(error)
      ? new AppError(
          "UNAVAILABLE",
          "Other transactions hold what this write needs. Nothing was changed. Try again later.",
          {
            cause: error,
          },
        )
      : error;
  }
}

async function writeGuarded(
  ports: RecordWritePorts,
  statements: GuardedStatements,
  work: RecordWork,
  batch: RecordBatch,
  returning: readonly ColumnField[] | undefined,
): Promise<WrittenBatch> {
  const { table, emulated } = await tablesOf(ports, work);
  const isOneStatement = table.isGuardedInStatement && !isEmulated(emulated, work.model);
  if (work.operation === "UPDATE" || !isOneStatement) {
    return guardAndWrite(ports, work, batch);
  }
  const statement = statements(table, work.operation, batch.fields, returning);
  const written = await writeAsOne(ports, statement, { table, work, batch });
  // It may be held, stale or not there; or it was not there before the statement waited at the gate.
  return written ?? guardAndWrite(ports, work, batch);
}

/** With two statements in a transaction, which undoes what triggers did to a record that is refused. */
function guardAndWrite(ports: WritePorts, work: RecordWork, batch: RecordBatch): Promise<WrittenBatch> {
  const { model, lockScopeOf } = work;
  return runWork<WrittenBatch>(ports, work, async (transaction) => {
    const claim = { model: model.name, ids: batch.ids, scope: lockScopeOf?.(model.name) };
    const refusal = await ports.locks.guard(transaction, [claim]);
    if (refusal.kind === "CONFLICT") {
      return { rollBack: { succeeded: 0, errors: [], refusal } };
    }
    const tables = await tablesOf(ports, work);
    const written = await writeBatch({ ...ports, work, transaction, ...tables }, batch);
    return written.succeeded === batch.ids.length ? { commit: written } : { rollBack: written };
  });
}

/**
 * With one statement, which is its own transaction, so every error is about the record, also a deferred constraint's.
 * @returns undefined if it wrote nothing
 */
async function writeAsOne(
  { rows }: RecordWritePorts,
  { text, recordOf }: GuardedStatement,
  {
    table,
    work,
    batch,
  }: { readonly table: TableShape; readonly work: RecordWork; readonly batch: RecordBatch },
): Promise<WrittenBatch | undefined> {
  const { model, lockScopeOf } = work;
  const scope = lockScopeOf?.(model.name) ?? "";
  const values = [model.name, batch.ids[0], scope, ...batch.columns.map(([value]) => value)];
  try {
    const [row] = await rows.read(text, values);
    return row && { succeeded: 1, errors: [], ...recordOf(row) };
  } catch (error) {
    const problem = pgProblem(error, model, writtenValues(work, table, batch));
    if (problem === undefined) {
      throw error;
    }
    return refusedBatch(batch, problem);
  }
}

async function runWork<T>(
  ports: WritePorts,
  work: RecordWork,
  body: (transaction: Transaction) => Promise<Decision<T>>,
): Promise<T> {
  // Read before the transaction begins; within it this would take a second connection.
  await tablesOf(ports, work);
  const { unitOfWork } = isPlainWork(work) ? ports : ports.records;
  return runOrRollBack(unitOfWork, async (transaction) => {
    // Deferred constraints are checked at once, while it is known which records were just written.
    await requiredSession(transaction).query("SET CONSTRAINTS ALL IMMEDIATE");
    return body(transaction);
  });
}

async function tablesOf(
  { shapes, emulatedKeys }: WritePorts,
  { model }: RecordWork,
): Promise<Pick<BatchWriting, "table" | "emulated">> {
  return { table: await shapes.of(model), emulated: await emulatedKeys() };
}

function refusedBatch(batch: RecordBatch, problem: RecordProblem): WrittenBatch {
  const refused = batch.ids.map((id) => ({ id, problem }));
  return { succeeded: 0, errors: failedErrors(batch, refused) };
}
