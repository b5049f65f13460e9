import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import { isAppError } from "../../kernel/app-error.ts";
import type { MembersOf, MembersShape } from "../../kernel/shape.ts";
import { findFaults } from "../../kernel/shape.ts";
import type { Viewer } from "../access/viewer.ts";
import type { ForbiddenRefusal } from "../refusals/refusals.ts";
import type { ValidationRefusal } from "../refusals/problems.ts";
import { invalidField } from "../refusals/problems.ts";
import type { DefinedTask, RunContext } from "../tasks/define-task.ts";
import { defineTask } from "../tasks/define-task.ts";
import type { TaskFiles } from "../tasks/task-files.ts";
import type { Task } from "../tasks/task.ts";
import { isFinal } from "../tasks/task-status.ts";
import type { ExportRequest, FileExports } from "./file-exports.ts";
import type { FileStyle } from "./file-reading.ts";

/** The kind of the tasks that export. */
export const EXPORT_KIND = "export";

/** The input of such a task: what HTTP takes as parameters. */
export interface ExportInput extends ExportRequest {
  readonly format: "CSV" | "JSONL";
  /** Default: true */
  readonly escapeFormulas?: boolean;
}

/** The result of such a task: where its file is, and what was written. */
export interface ExportedFile {
  /** The path of the file, at the address of the service. */
  readonly path: string;
  readonly records: number;
  readonly bytes: number;
  /** Whose file it is; see TaskFiles. */
  readonly attempt: number;
  readonly parts: number;
}

const MEMBERS = {
  model: { kind: "TEXT" },
  format: { kind: "WORD", words: ["CSV", "JSONL"], what: "a format" },
  where: { kind: "ANY" },
  orderBy: { kind: "ANY" },
  search: { kind: "TEXT" },
  fields: { kind: "LIST", of: { kind: "TEXT" } },
  escapeFormulas: { kind: "FLAG" },
} as const satisfies MembersOf<ExportInput>;
const SHAPE: MembersShape = { kind: "MEMBERS", members: MEMBERS, required: ["model", "format"] };

/** As the documentation of the API shows it. */
const JSON_SCHEMA = {
  type: "object",
  description: "The records and columns of a file: like a list of the model, without pages.",
  required: ["model", "format"],
  additionalProperties: false,
  properties: {
    model: { type: "string", description: "The model's name in the API." },
    format: {
      enum: ["CSV", "JSONL"],
      enumDescriptions: ["Comma-separated values, as RFC 4180 has them.", "One JSON object in each line."],
      description: "The format of the file.",
    },
    where: {
      description: "Which records, in the form of the list's `where`. Default: all that the caller may read.",
    },
    orderBy: { description: "Their order, in the form of the list's `orderBy`. Default: by key." },
    search: { type: ["string", "null"], description: "Words that the records must have." },
    fields: {
      type: ["array", "null"],
      items: { type: "string" },
      description: "The columns: `name`, `team.name`, `labels`. Default: all that the caller may read.",
    },
    escapeFormulas: {
      type: ["boolean", "null"],
      description: "Whether cells that a spreadsheet would run as formulas are escaped. Default: true.",
    },
  },
};

/** Checks the input as far as that goes without its viewer. Nulls count as left out. */
const INPUT: StandardSchemaV1<ExportInput> & StandardJSONSchemaV1 = {
  "~standard": {
    version: 1,
    vendor: "powercrud",
    validate(given) {
      const value = withoutNulls(given);
      const issues = findFaults(value, SHAPE, "export").map((message) => ({ message }));
      return issues.length > 0 ? { issues } : { value: value as ExportInput };
    },
    jsonSchema: { input: () => JSON_SCHEMA, output: () => JSON_SCHEMA },
  },
};

function withoutNulls(given: unknown): unknown {
  return typeof given === "object" && given !== null
    ? Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null))
    : given;
}

/** What the task needs. */
export interface ExportTaskPorts {
  readonly exports: Pick<FileExports, "plan" | "write">;
  readonly files: TaskFiles;
}

/** The task that writes an export into a file, for its viewer to fetch. @param ports are looked at once a task runs */
export function exportTask(ports: () => ExportTaskPorts): DefinedTask {
  return defineTask({
    kind: EXPORT_KIND,
    description:
      "Exports records into a file in the background. The task's result says where it is; only who launched it can fetch it.",
    input: INPUT,
    label: ({ input }) => `Export of ${input.model}`,
    run: (context) => writeFile(ports(), context),
  }) as DefinedTask;
}

/** Bytes that are kept together. */
const PART_BYTES = 512 * 1024;

async function writeFile(
  { exports, files }: ExportTaskPorts,
  { input, viewer, task, attempt, signal, progress }: RunContext<ExportInput>,
): Promise<ExportedFile> {
  const reading = exports.plan(viewer, input);
  const stream = await exports.write(reading, styleOf(input), signal);
  const written = { records: 0, bytes: 0, parts: 0 };
  let waiting: Uint8Array[] = [];
  let length = 0;
  const flush = async (): Promise<void> => {
    const records = stream.records();
    await files.append({ taskId: task.id, attempt }, written.parts, joined(waiting, length));
    progress.add(records - written.records);
    Object.assign(written, { records, bytes: written.bytes + length, parts: written.parts + 1 });
    waiting = [];
    length = 0;
  };
  for await (const chunk of stream.chunks) {
    waiting.push(chunk);
    length += chunk.length;
    if (length >= PART_BYTES) {
      await flush();
    }
  }
  await flush();
  return { path: `/tasks/${task.id}/${fileNameOf(input)}`, ...written, attempt };
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function styleOf({ format, escapeFormulas = true }: ExportInput): FileStyle {
  return { format: format === "CSV" ? "csv" : "jsonl", areFormulasEscaped: escapeFormulas };
}

function fileNameOf({ format }: Pick<ExportInput, "format">): string {
  return `export.${format.toLowerCase()}`;
}

/**
 * Why the viewer cannot have such an export; undefined if the task may be launched.
 * @param input as its schema takes it; another shape is refused by the launch itself
 */
export async function refuseExport(
  exports: Pick<FileExports, "plan">,
  viewer: Viewer,
  input: unknown,
): Promise<ValidationRefusal | ForbiddenRefusal | undefined> {
  const checked = await INPUT["~standard"].validate(input);
  if (checked.issues !== undefined) {
    return undefined;
  }
  try {
    exports.plan(viewer, checked.value);
    return undefined;
  } catch (error) {
    if (isAppError(error, "FORBIDDEN")) {
      return { kind: "FORBIDDEN", message: error.message };
    }
    if (isAppError(error, "VALIDATION_FAILED") || isAppError(error, "NOT_FOUND")) {
      const { field = "model" } = error.details as { readonly field?: string };
      return invalidField(`input.${field}`, error.message);
    }
    throw error;
  }
}

/** The file of a task; undefined where it has none: it is no export, has not succeeded, or has no such file. */
export function exportedFile(task: Task, fileName: string): ExportedFile | undefined {
  const { kind, status, result } = task;
  const file = result as unknown as ExportedFile | null;
  return kind === EXPORT_KIND && isFinal(status) && file?.path.endsWith(`/${fileName}`) === true
    ? file
    : undefined;
}
