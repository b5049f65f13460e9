import { isNamedByKey, withoutKeyColumns } from "../../../core/bulk/named-batch.ts";
import type { WrittenBatch } from "../../../core/bulk/record-writer.ts";
import type { RecordBatch } from "../../../core/tasks/record-batch.ts";
import { filterBatch } from "../../../core/tasks/record-batch.ts";
import type { NewTaskError } from "../../../core/tasks/task-error.ts";
import type { FoundBatch, NamedWriting } from "./find-named.ts";
import { findNamed } from "./find-named.ts";
import { writeBatch } from "./write-batch.ts";

/** Each round writes the records that others created during the round before. */
const MAX_ROUNDS = 5;

/** Records that are still to be written. */
interface OpenRecords {
  readonly batch: RecordBatch;
  /** By name: why records were not written in the round before. */
  readonly earlier: ReadonlyMap<string, NewTaskError>;
}

/** What one round did. */
interface Round {
  /** Of the written records, by name. */
  readonly ids: ReadonlyMap<string, string>;
  readonly errors: readonly NewTaskError[];
  readonly open: OpenRecords;
}

/**
 * Writes a batch of records. Those that are named by a key are looked up first, all at once. An upsert creates those that
 * are not there; if others create one at the same moment, it is looked up again, and updated.
 */
export async function writeNamed(writing: NamedWriting, batch: RecordBatch): Promise<WrittenBatch> {
  if (!isNamedByKey(batch.fields)) {
    return writeBatch(writing, batch);
  }
  const ids = new Map<string, string>();
  const errors: NewTaskError[] = [];
  let open: OpenRecords = { batch, earlier: new Map() };
  for (let round = 0; open.batch.ids.length > 0; round += 1) {
    const found = await findNamed(writing, open.batch, new Set(ids.values()));
    const done = found.refusal === undefined ? await writeRound(writing, open, found, round) : found;
    if ("refusal" in done && done.refusal !== undefined) {
      return { succeeded: 0, errors: [], refusal: done.refusal };
    }
    const { ids: written, errors: failed, open: left } = done as Round;
    written.forEach((id, name) => ids.set(name, id));
    errors.push(...failed);
    open = left;
  }
  return { succeeded: ids.size, errors, ids: batch.ids.map((name) => ids.get(name) ?? name) };
}

async function writeRound(
  writing: NamedWriting,
  { batch, earlier }: OpenRecords,
  found: FoundBatch,
  round: number,
): Promise<Round | Pick<WrittenBatch, "refusal">> {
  const nameOf = (id: string | null): string => found.names.get(id ?? "") ?? "";
  const absent = new Set([...found.absent].map(nameOf));
  // A record that failed and is still not there did not fail because others created it.
  const settled = [...earlier.values()].filter(({ recordId }) => absent.has(recordId ?? ""));
  const out = new Set(settled.map(({ recordId }) => recordId));
  const rest = filterBatch(found.batch, (id) => !out.has(nameOf(id)));
  await writing.beforeFound?.(rest.ids);
  // The first round leaves out what others create meanwhile. The next ones find out what is in the way.
  const written = await writeBatch(writing, round === 0 ? rest : withoutKeyColumns(rest));
  if (written.refusal !== undefined) {
    return { refusal: written.refusal };
  }
  const failures = written.errors.map((error) => ({ ...error, recordId: nameOf(error.recordId) }));
  const again = failures.filter((error) => absent.has(error.recordId) && mayBeRaced(writing, error, round));
  const failed = new Set(failures.map(({ recordId }) => recordId));
  const open = new Set(again.map(({ recordId }) => recordId));
  const ids = rest.ids.map((id) => [nameOf(id), id] as const).filter(([name]) => !failed.has(name));
  return {
    ids: new Map(ids),
    errors: [...found.errors, ...settled, ...failures.filter(({ recordId }) => !open.has(recordId))],
    open: {
      batch: filterBatch(batch, (name) => open.has(name)),
      // What was left out in the first round has no reason yet.
      earlier: new Map(
        again.filter(({ code }) => code !== "RECORD_MISSING").map((error) => [error.recordId, error]),
      ),
    },
  };
}

/** Whether the record may have failed because others created it since it was looked up. */
function mayBeRaced({ work }: NamedWriting, { code }: NewTaskError, round: number): boolean {
  if (code === "RECORD_MISSING") {
    return round === 0;
  }
  // After an error, the transaction of a single write can only be rolled back; its caller tries again.
  return code === "CONSTRAINT_VIOLATED" && work.taskId !== undefined && round < MAX_ROUNDS;
}
