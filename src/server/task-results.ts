import { BEFORE_RECORDS } from "../core/tasks/task-results.ts";
import type { RecordPlace } from "../core/tasks/task-results.ts";
import type { TaskStore } from "../core/tasks/task-store.ts";

/** Where results are read from. */
export type ResultReads = Pick<TaskStore, "errors" | "records">;

/** The files of a task's results. */
export const RESULT_FILES = ["errors.jsonl", "records.jsonl"] as const;

export type ResultFile = (typeof RESULT_FILES)[number];

/** Items read at a time; a reader holds two pages at most. */
const PAGE_SIZE = 2000;

/**
 * A file's lines, a page at a time, each read when it is asked for. Each line is one JSON object:
 * `{recordId, index?, outcome, code, message, field?}` for an error, `{id, outcome, code?, message?}` for a record.
 */
export function readResults(
  tasks: ResultReads,
  taskId: string,
  file: ResultFile,
): AsyncIterableIterator<string> {
  return file === "errors.jsonl" ? readErrors(tasks, taskId) : readRecords(tasks, taskId);
}

async function* readErrors(tasks: ResultReads, taskId: string): AsyncGenerator<string, undefined> {
  for (let after: number | undefined = 0; after !== undefined;) {
    const page = await tasks.errors(taskId, after, PAGE_SIZE);
    if (page.length > 0) {
      yield linesOf(
        page.map(({ recordId, index, outcome, code, message, field }) => ({
          recordId,
          index,
          outcome,
          code,
          message,
          field,
        })),
      );
    }
    after = page.length < PAGE_SIZE ? undefined : page.at(-1)?.position;
  }
}

async function* readRecords(tasks: ResultReads, taskId: string): AsyncGenerator<string, undefined> {
  for (let after: RecordPlace | undefined = BEFORE_RECORDS; after !== undefined;) {
    const page = await tasks.records(taskId, after, PAGE_SIZE);
    if (page.length > 0) {
      yield linesOf(page.map(({ id, outcome, code, message }) => ({ id, outcome, code, message })));
    }
    after = page.length < PAGE_SIZE ? undefined : page.at(-1)?.place;
  }
}

function linesOf(items: readonly object[]): string {
  return items.map((item) => `${JSON.stringify(item)}\n`).join("");
}
