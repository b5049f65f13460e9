import { createHash, randomInt } from "node:crypto";
import { errorFields } from "../../kernel/logger.ts";
import { unavailableRefusal } from "../refusals/unavailable-refusal.ts";
import { settleTask } from "../tasks/settle/settle-task.ts";
import { findTask } from "../tasks/task-reads.ts";
import type { Task } from "../tasks/task.ts";
import { refusalOf } from "./import-fault.ts";
import { keepReceiver } from "./keep-receiver.ts";
import type { ReceivingLease } from "./keep-receiver.ts";
import type { ReceivedFile } from "./launch-received.ts";
import { launchReceived } from "./launch-received.ts";
import type { ImportPorts, ReceiveOutcome, Upload } from "./import-ports.ts";
import type { Received } from "./import-store.ts";
import { createPageReader } from "./read-import.ts";
import { createSeenNames } from "./seen-names.ts";
import { createStager } from "./stage-rows.ts";

/** Receives the file of a RECEIVING task, a page of rows at a time, and launches the task. */
export async function receiveImport(ports: ImportPorts, upload: Upload): Promise<ReceiveOutcome> {
  try {
    const task = await findTask(ports.tasks, upload.taskId);
    const state = (await ports.imports.find([upload.taskId])).get(upload.taskId);
    if (task === undefined || state === undefined) {
      return { kind: "MISSING", message: `There is no import ${upload.taskId.slice(0, 100)}.` };
    }
    const lease = await keepReceiver(ports, upload);
    if (lease === undefined) {
      return await notWaiting(ports, task);
    }
    try {
      return await receive(ports, upload, { task, state }, lease);
    } finally {
      await lease.end();
    }
  } catch (error) {
    return unavailableRefusal(ports.logger, error, "an import was refused");
  }
}

async function notWaiting(ports: ImportPorts, { id }: Task): Promise<ReceiveOutcome> {
  const task = await findTask(ports.tasks, id);
  const message = `Task ${id} does not wait for a file: ${
    task?.status === "RECEIVING" ? "one is coming already." : `it is ${task?.status ?? "gone"}.`
  }`;
  return task === undefined ? { kind: "MISSING", message } : { kind: "SETTLED", message, task };
}

async function receive(
  ports: ImportPorts,
  upload: Upload,
  known: Pick<ReceivedFile, "task" | "state">,
  lease: ReceivingLease,
): Promise<ReceiveOutcome> {
  const { task } = known;
  let file: ReceivedFile;
  try {
    file = await readFile(ports, upload, known, lease);
  } catch (error) {
    if (lease.hasEnded()) {
      await ports.imports.dropRows(task.id, "ALL");
      return await notWaiting(ports, task);
    }
    return await giveUp(ports, task, lease.received(), error);
  }
  return launchReceived(ports, file);
}

/** Reads all of the file. While one page is checked and stored, the next one is read: never more than two are held. */
async function readFile(
  ports: ImportPorts,
  upload: Upload,
  { task, state }: Pick<ReceivedFile, "task" | "state">,
  lease: ReceivingLease,
): Promise<ReceivedFile> {
  const { form } = state;
  const model = ports.models.get(form.model);
  const hash = createHash("sha256");
  const pages = createPageReader(ports, task.viewer, model, form);
  const seen = createSeenNames(randomInt(2 ** 31));
  const stager = createStager(ports, { task, form, model, seen, lease, pages });
  for await (const { head, rows } of ports.readFile(hashed(upload.bytes, hash), form, ports.limits)) {
    if (head !== undefined) {
      pages.readHead(head.names);
      await lease.noteHead(head);
    }
    await stager.add(rows);
  }
  const staged = await stager.end();
  return {
    task,
    state,
    received: lease.received(),
    contentHash: hash.digest("hex"),
    readOnlyColumns: pages.readOnlyColumns(),
    staged,
  };
}

async function* hashed(
  bytes: AsyncIterable<Uint8Array>,
  hash: { update(chunk: Uint8Array): unknown },
): AsyncGenerator<Uint8Array, undefined> {
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
}

/** Settles the task as FAILED, and forgets what has come of its file. */
async function giveUp(
  ports: ImportPorts,
  task: Task,
  received: Received,
  error: unknown,
): Promise<ReceiveOutcome> {
  const refusal = refusalOf(error, received.bytes);
  if (refusal === undefined) {
    ports.logger.error({ ...errorFields(error), taskId: task.id }, "an import failed");
  }
  const message = refusal?.message ?? "The import failed: unexpected error.";
  const counts = { succeeded: 0, failed: 0, skipped: 0 };
  const settle = { status: "FAILED", message, result: null, counts } as const;
  await settleTask(ports, { taskId: task.id, kind: task.kind, attempt: 0, total: null, settle });
  await ports.imports.dropRows(task.id, "ALL");
  const importTask = await findTask(ports.tasks, task.id);
  if (refusal === undefined) {
    throw error;
  }
  return { ...refusal, importTask };
}
