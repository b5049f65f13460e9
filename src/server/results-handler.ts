import type { RecordPlace } from "../core/tasks/task-results.ts";
import type { WriteId } from "../core/records/typed-id.ts";
import type { Task } from "../core/tasks/task.ts";
import type { TaskSight } from "../core/tasks/task-sight.ts";
import { HIDDEN_WORDS, isWithin } from "../core/tasks/task-sight.ts";
import type { TaskManager } from "../core/tasks/manager/task-manager.ts";
import { BEFORE_RECORDS } from "../core/tasks/task-results.ts";
import { withFirstValue } from "../graphql/tasks/task-subscriptions.ts";
import { AppError } from "../kernel/app-error.ts";
import { compressAnswer } from "./compress.ts";
import type { Imports } from "../core/imports/imports.ts";
import { readFailedRows } from "./failed-file.ts";
import type { CallerGuard } from "./callers/caller-guard.ts";
import type { Callers } from "./callers/callers.ts";
import type { Asker, FileRoute } from "./send-file.ts";
import { fileAnswer, sendChunks } from "./send-file.ts";
import type { IncomingMessage, ServerResponse } from "node:http";

interface ResultsHandlerOptions {
  readonly tasks: ResultReads & Pick<TaskManager, "get">;
  readonly sight: TaskSight;
  readonly callers: Callers;
  readonly writeId: WriteId;
  readonly guard: CallerGuard;
  /** Left out: there are no files of failed rows. */
  readonly imports?: Imports | undefined;
}

interface AskedFile {
  readonly taskId: string;
  readonly file: ResultFile;
}

/**
 * Tasks' results as files: `/tasks/{id}/errors.jsonl` and `/tasks/{id}/records.jsonl`. A file is read only as fast as the
 * client reads it, and no further once the client has left.
 */
export function createResultsHandler(options: ResultsHandlerOptions): FileRoute {
  return {
    at(path) {
      const asked = parsePath(path);
      return asked === undefined
        ? undefined
        : fileAnswer(
            options,
            { what: "Results", action: "file", taskId: asked.taskId },
            (asker, request, response) => sendFile(options, asked, asker, request, response),
          );
    },
  };
}

function parsePath(path: string): AskedFile | undefined {
  const [root, tasks, taskId = "", name, ...rest] = path.split("/");
  const file = RESULT_FILES.find((one) => one === name);
  return root === "" && tasks === "tasks" && file !== undefined && rest.length === 0
    ? { taskId, file }
    : undefined;
}

async function sendFile(
  { tasks, sight, writeId, imports }: ResultsHandlerOptions,
  { taskId, file }: AskedFile,
  { viewer }: Asker,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const task = await tasks.get(taskId);
  if (task === undefined || !isWithin(sight.scopeOf(viewer), task)) {
    throw new AppError("NOT_FOUND", `There is no task "${taskId.slice(0, 100)}".`);
  }
  const seesValues = sight.seesValues(viewer, task);
  if (file.startsWith("failed.") && !seesValues) {
    throw new AppError("NOT_FOUND", `The failed rows of task "${task.id}" are not for you to read.`);
  }
  const wordsOf: LineParts["wordsOf"] = (message) =>
    message === undefined || seesValues ? message : HIDDEN_WORDS;
  const isHead = request.method === "HEAD";
  // The first page is read before the head is sent, so that an unreachable store can still be reported.
  const pages = isHead
    ? undefined
    : await withFirstValue(readResults({ tasks, imports }, task, file, { writeId, wordsOf }));
  compressAnswer(request, response);
  response.writeHead(200, {
    "content-type": `${file.endsWith(".csv") ? "text/csv" : "application/jsonl"}; charset=utf-8`,
    "content-disposition": `attachment; filename="task-${task.id}-${file}"`,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  if (pages === undefined) {
    response.end();
  } else {
    // Compression would keep the head back until it has something to send.
    response.flushHeaders();
    await sendChunks(pages, response);
  }
}

/** The source of the results. */
type ResultReads = Pick<TaskManager, "errors" | "records">;

/** The files of a task's results. */
const RESULT_FILES = ["errors.jsonl", "records.jsonl", "failed.csv", "failed.jsonl"] as const;

type ResultFile = (typeof RESULT_FILES)[number];

/** How ids and reasons are written. */
interface LineParts {
  readonly writeId: WriteId;
  readonly wordsOf: (message: string | undefined) => string | undefined;
}

/** Items read at a time. Memory holds at most two pages per client. */
const PAGE_SIZE = 2000;

/**
 * A file's lines, a page at a time, read on demand. Each line is one JSON object:
 * `{recordId, index?, outcome, code, message, field?}` for an error, `{id, outcome, code?, message?}` for a record.
 */
function readResults(
  { tasks, imports }: { readonly tasks: ResultReads; readonly imports: Imports | undefined },
  task: Pick<Task, "id" | "model">,
  file: ResultFile,
  parts: LineParts,
): AsyncIterableIterator<string> {
  switch (file) {
    case "errors.jsonl":
      return readErrors(tasks, task, parts);
    case "records.jsonl":
      return readRecords(tasks, task, parts);
    case "failed.csv":
    case "failed.jsonl":
      if (imports === undefined) {
        throw new AppError("NOT_FOUND", "This server takes no files, so there are none of failed rows.");
      }
      return readFailedRows(imports, task.id, file);
  }
}

async function* readErrors(
  tasks: ResultReads,
  { id: taskId, model: taskModel }: Pick<Task, "id" | "model">,
  { writeId, wordsOf }: LineParts,
): AsyncGenerator<string, undefined> {
  for (let after: number | undefined = 0; after !== undefined;) {
    const page = await tasks.errors(taskId, { after, limit: PAGE_SIZE });
    if (page.length > 0) {
      yield linesOf(
        page.map(({ recordId, model, index, outcome, code, message, field }) => ({
          recordId: recordId === null ? null : writeId(model ?? taskModel, recordId),
          index,
          outcome,
          code,
          message: wordsOf(message),
          field,
        })),
      );
    }
    after = page.length < PAGE_SIZE ? undefined : page.at(-1)?.position;
  }
}

async function* readRecords(
  tasks: ResultReads,
  { id: taskId, model: taskModel }: Pick<Task, "id" | "model">,
  { writeId, wordsOf }: LineParts,
): AsyncGenerator<string, undefined> {
  for (let after: RecordPlace | undefined = BEFORE_RECORDS; after !== undefined;) {
    const page = await tasks.records(taskId, { after, limit: PAGE_SIZE });
    if (page.length > 0) {
      yield linesOf(
        page.map(({ id, outcome, code, message }) => ({
          id: writeId(taskModel, id),
          outcome,
          code,
          message: wordsOf(message),
        })),
      );
    }
    after = page.length < PAGE_SIZE ? undefined : page.at(-1)?.place;
  }
}

function linesOf(items: readonly object[]): string {
  return items.map((item) => `${JSON.stringify(item)}\n`).join("");
}
