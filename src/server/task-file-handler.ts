import type { Viewer } from "../core/access/viewer.ts";
import { exportedFile } from "../core/files/export-task.ts";
import type { ExportedFile } from "../core/files/export-task.ts";
import type { ExportRequest, FileExports } from "../core/files/file-exports.ts";
import type { FileFormat } from "../core/files/file-reading.ts";
import type { TaskFiles } from "../core/tasks/task-files.ts";
import type { Task } from "../core/tasks/task.ts";
import type { TaskSight } from "../core/tasks/task-sight.ts";
import { isWithin } from "../core/tasks/task-sight.ts";
import type { TaskManager } from "../core/tasks/manager/task-manager.ts";
import { isFinal } from "../core/tasks/task-status.ts";
import { AppError } from "../kernel/app-error.ts";
import type { CallerGuard } from "./callers/caller-guard.ts";
import type { Callers } from "./callers/callers.ts";
import { compressAnswer } from "./compress.ts";
import type { FileRoute } from "./send-file.ts";
import { fileAnswer, fileHeaders, sendChunks } from "./send-file.ts";
import type { IncomingMessage, ServerResponse } from "node:http";

interface TaskFileOptions {
  readonly tasks: Pick<TaskManager, "get">;
  readonly files: Pick<TaskFiles, "read">;
  readonly sight: TaskSight;
  readonly callers: Callers;
  readonly guard: CallerGuard;
  /** Left out: whoever could export once may fetch the file as long as it is kept. */
  readonly exports?: Pick<FileExports, "plan"> | undefined;
}

interface AskedFile {
  readonly taskId: string;
  readonly format: FileFormat;
  readonly viewer: Viewer;
}

/** The file that a task has exported: `/tasks/{id}/export.csv` and `/tasks/{id}/export.jsonl`, for who launched it. */
export function createTaskFileHandler(options: TaskFileOptions): FileRoute {
  return {
    at(path) {
      const [, taskId, format] = /^\/tasks\/([^/]+)\/export\.(csv|jsonl)$/.exec(path) ?? [];
      return taskId === undefined
        ? undefined
        : fileAnswer(options, { what: "Files", action: "file", taskId }, ({ viewer }, request, response) =>
            sendTaskFile(options, { taskId, format: format as FileFormat, viewer }, request, response),
          );
    },
  };
}

async function sendTaskFile(
  { tasks, files, sight, exports }: TaskFileOptions,
  { taskId, format, viewer }: AskedFile,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const task = await tasks.get(taskId);
  // It holds what its viewer may read: another one who sees the task may have other rights.
  if (task === undefined || !isWithin(sight.scopeOf(viewer), task) || task.viewer.id !== viewer.id) {
    throw new AppError("NOT_FOUND", `There is no task "${taskId.slice(0, 100)}".`);
  }
  const file = exportedFile(task, `export.${format}`);
  const first = file && (await files.read({ taskId: task.id, attempt: file.attempt }, 0));
  if (file === undefined || first === undefined) {
    throw new AppError("NOT_FOUND", missingWords(task, file));
  }
  // Who may not read the model or one of the columns any more is refused.
  exports?.plan(viewer, task.input as unknown as ExportRequest);
  compressAnswer(request, response);
  response.writeHead(200, fileHeaders(format, `task-${task.id}.${format}`));
  if (request.method === "HEAD") {
    response.end();
  } else {
    await sendChunks(readParts(files, task, file, first), response);
  }
}

function missingWords({ id, status }: Task, file: ExportedFile | undefined): string {
  if (file !== undefined) {
    return `The file of task ${id} is not kept any more. Launch the export again.`;
  }
  return isFinal(status)
    ? `Task ${id} has no such file.`
    : `The file of task ${id} is not complete: the task is ${status}.`;
}

async function* readParts(
  files: TaskFileOptions["files"],
  { id: taskId }: Task,
  { attempt, parts }: ExportedFile,
  first: Uint8Array,
): AsyncGenerator<Uint8Array> {
  yield first;
  for (let part = 1; part < parts; part += 1) {
    const bytes = await files.read({ taskId, attempt }, part);
    if (bytes === undefined) {
      throw new AppError("NOT_FOUND", `The file of task ${taskId} was deleted while it was sent.`);
    }
    yield bytes;
  }
}
