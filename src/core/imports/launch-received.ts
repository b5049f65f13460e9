import { BULK_KINDS } from "../bulk/bulk-kinds.ts";
import { chunksOf, claimOfChunks } from "../bulk/launch-bulk.ts";
import { counted } from "../../kernel/counted.ts";
import type { JsonObject } from "../../kernel/json.ts";
import { conflictRefusal } from "../refusals/conflict-refusal.ts";
import type { LaunchOptions } from "../tasks/launch-options.ts";
import type { LaunchRequest } from "../tasks/launch/launch-request.ts";
import { start, waitInLine } from "../tasks/launch/launch-task.ts";
import { writeLaunch } from "../tasks/launch/on-conflict.ts";
import { settleTask } from "../tasks/settle/settle-task.ts";
import { readTask } from "../tasks/task-reads.ts";
import type { TaskClaim } from "../tasks/task-claim.ts";
import type { Task } from "../tasks/task.ts";
import type { ImportPorts, ReceiveOutcome } from "./import-ports.ts";
import { OPERATION_OF } from "./import-form.ts";
import type { ImportState, Received } from "./import-store.ts";
import type { StagedRows } from "./stage-rows.ts";

/** A file that has come, and what its rows came to. */
export interface ReceivedFile {
  readonly task: Task;
  readonly state: ImportState;
  readonly received: Received;
  readonly contentHash: string;
  readonly readOnlyColumns: readonly string[];
  readonly staged: StagedRows;
}

/** Launches a task whose file has come, as a bulk operation on a list is launched; or settles it where it may not go on. */
export async function launchReceived(ports: ImportPorts, file: ReceivedFile): Promise<ReceiveOutcome> {
  const refusal = refuseRows(file);
  if (refusal !== undefined) {
    // What is wrong is told with the rows; to write the others alone is what the policy forbids.
    return settleReceived(ports, file, refusal, "VALUES");
  }
  const request = await launchOf(ports, file);
  const written = await writeLaunch(ports, request);
  const { id: taskId } = file.task;
  switch (written.kind) {
    case "CREATED":
      return start(ports, { taskId }, request);
    case "WAITING":
      return waitInLine(ports, taskId, written.hasDependents);
    case "REFUSED": {
      const { message } = await conflictRefusal(ports.tasks, written.refusal, ports.nameOf);
      return settleReceived(ports, file, message);
    }
    case "ENDED":
    case "EXISTING":
    case "RETRIED_TASK_GONE": {
      const task = await readTask(ports.tasks, taskId);
      await ports.imports.dropRows(taskId, "ALL");
      return { kind: "SETTLED", message: `Task ${taskId} is ${task.status} by now.`, task };
    }
  }
}

/** Why no row is written, in words; undefined if some are. */
function refuseRows({ task, received: { rows, rejected } }: ReceivedFile): string | undefined {
  if (rows === 0) {
    return "The file holds no rows. Nothing was changed.";
  }
  if (rejected === rows) {
    return rows === 1 ? "The only row failed." : `All ${rows} rows failed.`;
  }
  return rejected > 0 && task.errorPolicy === "ALL_OR_NOTHING"
    ? `${rejected} of ${counted(rows, "row")} cannot be written, so nothing was changed. Mend them, or use SKIP_FAILED.`
    : undefined;
}

/** The task as it ends without having written a row. All of its file was read, so the answer is the task. */
async function settleReceived(
  ports: ImportPorts,
  { task: { id: taskId, kind }, received, contentHash, readOnlyColumns }: ReceivedFile,
  message: string,
  dropped?: "VALUES",
): Promise<ReceiveOutcome> {
  await ports.imports.noteReceived({ taskId, received, contentHash, readOnlyColumns });
  const counts = { succeeded: 0, failed: received.rejected, skipped: 0 };
  const settle = { status: "FAILED", message, result: null, counts } as const;
  await settleTask(ports, { taskId, kind, attempt: 0, total: received.rows, settle });
  if (dropped !== undefined) {
    await ports.imports.dropRows(taskId, dropped);
  }
  return { kind: "LAUNCHED", task: await readTask(ports.tasks, taskId), isDuplicate: false };
}

/** The options that the task still needs. */
function optionsOf(task: Task): LaunchOptions {
  const { mode } = (task.input as { readonly mode?: LaunchOptions["mode"] } | null) ?? {};
  return {
    onConflict: task.onConflict,
    errorPolicy: task.errorPolicy,
    dryRun: task.isDryRun,
    allowDuplicate: true,
    ...(mode === undefined ? {} : { mode }),
  };
}

async function launchOf(ports: ImportPorts, file: ReceivedFile): Promise<LaunchRequest> {
  const { task, received, contentHash, readOnlyColumns, staged } = file;
  const { form } = file.state;
  const { updatedFields, replacedLinks, links, created = new Map<string, string>() } = staged;
  const isWide = links === undefined;
  const options = optionsOf(task);
  // Whatever is left out is found by its id; else the ids are needed for the claims alone.
  const records = isWide && options.onConflict !== "SKIP" ? [] : await ports.tasks.recordIds(task.id);
  const own = claimOfChunks(ports, form.model, task.viewer);
  const claims: readonly TaskClaim[] =
    records.length === 0
      ? [{ ...own, ids: "all" }]
      : [own, ...(created.size === 0 ? [] : [{ ...own, ids: [...created.keys()] }])];
  const input: JsonObject = {
    ...(task.input as JsonObject),
    updatedFields,
    ...(replacedLinks.length === 0 ? {} : { replacedLinks }),
  };
  return {
    kind: BULK_KINDS[OPERATION_OF[form.operation]],
    model: form.model,
    viewer: task.viewer,
    input,
    inputHash: "",
    options,
    records,
    batches: links ?? [],
    recordOf: (id) => created.get(id) ?? id,
    ...chunksOf(ports, form.model),
    claims,
    total: received.rows,
    received: {
      taskId: task.id,
      isWide,
      begin: (transaction, granted, skipped) =>
        ports.imports.begin(transaction, {
          taskId: task.id,
          claims: granted,
          input,
          received,
          contentHash,
          readOnlyColumns,
          skipped,
        }),
    },
  };
}
