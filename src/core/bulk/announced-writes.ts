import type { SessionSettings } from "../access/viewer-sessions.ts";
import type { RecordAnnouncement, RecordEventType } from "../events/record-announcement.ts";
import { filterKey, MAX_NAMED_RECORDS } from "../events/record-announcement.ts";
import type { RecordAnnouncer } from "../events/record-announcer.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { ChunkWork, ChunkWriter } from "./chunk-writer.ts";
import type { BulkOperation, RecordWork, RecordWriter, WrittenBatch } from "./record-writer.ts";

/** The settings of the writer's transactions. Left out: there are none. */
type CurrentSettings = (() => SessionSettings) | undefined;

/** What listeners are told of each operation. Whether an upsert created a record is not known. */
const EVENT_OF: Readonly<Record<BulkOperation["operation"], RecordEventType>> = {
  CREATE: "CREATED",
  UPDATE: "UPDATED",
  UPDATE_EACH: "UPDATED",
  UPSERT: "CREATED",
  DELETE: "DELETED",
};

/**
 * Announces each chunk once it is committed, and a task that writes all or nothing once; with the ids of the written records,
 * if they are few. Where nobody listens, nothing is read or sent.
 */
export function announceChunks(
  writer: ChunkWriter,
  announcer: RecordAnnouncer,
  settingsOf?: CurrentSettings,
): ChunkWriter {
  const limit = MAX_NAMED_RECORDS + 1;
  const announce = async (work: ChunkWork, read: () => Promise<readonly string[]> | "all"): Promise<void> => {
    if (announcer.isHeard(work.model.name)) {
      const ids = await Promise.resolve(read()).catch(() => "all" as const);
      if (ids.length > 0) {
        void announcer.send([announcementOf(work, ids, work.taskId, settingsOf)]);
      }
    }
  };
  return {
    ...writer,
    async writeNextChunk(work) {
      const result = await writer.writeNextChunk(work);
      if (result.kind === "WRITTEN" && result.counts.succeeded > 0) {
        const { number, counts } = result;
        await announce(work, () =>
          counts.succeeded > MAX_NAMED_RECORDS ? "all" : writer.listWritten(work.taskId, { limit, number }),
        );
      }
      return result;
    },
    async writeAllChunks(work, run) {
      const result = await writer.writeAllChunks(work, run);
      if (result.kind === "WRITTEN") {
        await announce(work, () => writer.listWritten(work.taskId, { limit }));
      }
      return result;
    },
  };
}

/** Announces single writes once they are committed, if anybody listens. */
export function announceWrites(
  writer: RecordWriter,
  announcer: RecordAnnouncer,
  settingsOf?: CurrentSettings,
): RecordWriter {
  const announce = (work: RecordWork, batch: RecordBatch, written: WrittenBatch): void => {
    const ids = written.succeeded === 0 ? [] : writtenIdsOf(batch, written);
    if (ids.length > 0 && announcer.isHeard(work.model.name)) {
      void announcer.send([announcementOf(work, ids, null, settingsOf)]);
    }
  };
  return {
    ...writer,
    async writeGuarded(work, batch, returning) {
      const written = await writer.writeGuarded(work, batch, returning);
      announce(work, batch, written);
      return written;
    },
    async writeBatch(transaction, work, batch) {
      const written = await writer.writeBatch(transaction, work, batch);
      transaction.onCommit(() => announce(work, batch, written));
      return written;
    },
  };
}

function writtenIdsOf({ ids: named }: RecordBatch, { ids = named, errors }: WrittenBatch): readonly string[] {
  const left = new Set(errors.map(({ recordId }) => recordId));
  return left.size === 0 ? ids : ids.filter((id) => !left.has(id));
}

function announcementOf(
  { model, operation, readScope }: RecordWork,
  ids: readonly string[] | "all",
  taskId: string | null,
  settingsOf: CurrentSettings | undefined,
): RecordAnnouncement {
  const announcement = { type: EVENT_OF[operation], model: model.name, ids, taskId };
  // Nobody changes or deletes what they cannot read, nor takes it out of their own reach. They may create it.
  const isRead = operation !== "CREATE" && operation !== "UPSERT";
  return isRead ? { ...announcement, within: filterKey(readScope?.(), settingsOf?.()) } : announcement;
}
