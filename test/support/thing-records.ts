import { pgProblem } from "../../src/adapters/postgres/writes/pg-problem.ts";
import { isLostRace } from "../../src/adapters/postgres/connection/lost-race.ts";
import type { ChunkRecords } from "../../src/core/bulk/chunk-records.ts";
import type { HookTransactions } from "../../src/core/records/hook-transactions.ts";
import type { ColumnField } from "../../src/core/records/model.ts";
import type { UnitOfWork } from "../../src/core/transactions/transaction.ts";
import { requiredSession } from "../../src/core/transactions/transaction.ts";
import type { Json } from "../../src/kernel/json.ts";
import { createThingReader } from "./thing-fixture.ts";

/** Chunks in transactions of plain PostgreSQL: the fixture's tables are in no Prisma schema. */
export function createThingRecords(unitOfWork: UnitOfWork): ChunkRecords {
  return {
    unitOfWork,
    existingIds: (transaction, model, ids, where) =>
      createThingReader(requiredSession(transaction)).existingIds(model, ids, where),
    typedSession: requiredSession,
    typed,
  };
}

/** The same for hooks: their client is the transaction's session. */
export function createThingTransactions(): HookTransactions {
  return {
    clientOf: requiredSession,
    async undoable(transaction, work) {
      const session = requiredSession(transaction);
      await session.query("SAVEPOINT hook");
      try {
        return await work();
      } catch (error) {
        await session.query("ROLLBACK TO SAVEPOINT hook");
        throw error;
      }
    },
    faultOf(error, model) {
      if (typeof (error as { code?: unknown }).code !== "string") {
        return undefined;
      }
      if (isLostRace(error)) {
        return { kind: "LOST", error };
      }
      const problem = pgProblem(error, model);
      return problem === undefined ? { kind: "WRONG" } : { kind: "REFUSED", problem };
    },
    typed,
  };
}

function typed(field: ColumnField, value: Json): unknown {
  return field.type === "DateTime" && typeof value === "string" ? new Date(value) : value;
}
