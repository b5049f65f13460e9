import { text } from "node:stream/consumers";
import { Readable } from "node:stream";
import { expect } from "vitest";
import type { PowerCrud, Task, Viewer } from "../../../src/index.ts";
import { ANONYMOUS } from "../../../src/index.ts";

/** The formats of files. */
export const FORMATS = ["csv", "jsonl"] as const;
export type Format = (typeof FORMATS)[number];

type ImportForm = Parameters<PowerCrud["imports"]["open"]>[0]["form"];

/** Reads a model's records as a file. @param fields default: all */
export async function exportText(
  { exports }: PowerCrud,
  model: string,
  format: Format,
  { fields, viewer = ANONYMOUS }: { readonly fields?: readonly string[]; readonly viewer?: Viewer } = {},
): Promise<string> {
  const reading = exports.plan(viewer, { model, ...(fields === undefined ? {} : { fields }) });
  const style = { format, areFormulasEscaped: true };
  const { chunks } = await exports.open(reading, style, new AbortController().signal);
  return text(Readable.from(chunks));
}

/** Sends a file, and waits for its task. */
export async function importText(
  { imports, tasks }: PowerCrud,
  form: Omit<ImportForm, "format"> & { readonly format: Format },
  content: string,
  viewer: Viewer = ANONYMOUS,
): Promise<Task> {
  const opened = await imports.open({
    viewer,
    form: { ...form, format: form.format === "csv" ? "CSV" : "JSONL" },
    options: { mode: "ASYNC", errorPolicy: "SKIP_FAILED" },
  });
  if (opened.kind !== "LAUNCHED") {
    throw new Error(`${opened.kind} ${opened.message}`);
  }
  const { id: taskId } = opened.task;
  const bytes = Buffer.from(content);
  const received = await imports.receive({
    taskId,
    viewer,
    bytes: Readable.from([bytes]),
    countReceived: () => bytes.length,
    stop: () => undefined,
  });
  expect(received).toMatchObject({ kind: "LAUNCHED" });
  return tasks.wait(taskId);
}

/** Imports a file of which every row must be written. */
export async function importAll(
  powercrud: PowerCrud,
  form: Parameters<typeof importText>[1],
  content: string,
  count: number,
  viewer?: Viewer,
): Promise<void> {
  const task = await importText(powercrud, form, content, viewer);
  const errors = await powercrud.tasks.errors(task.id, { limit: 5 });
  expect({ status: task.status, ...task.progress, message: task.message, errors }).toMatchObject({
    status: "SUCCEEDED",
    total: count,
    succeeded: count,
    errors: [],
  });
}
