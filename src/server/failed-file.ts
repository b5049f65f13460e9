import type { ImportState } from "../core/imports/import-store.ts";
import { REASON_COLUMNS } from "../core/imports/import-columns.ts";
import type { Imports } from "../core/imports/imports.ts";
import { AppError } from "../kernel/app-error.ts";

/** Rows read at a time. */
const PAGE_SIZE = 2000;

/** The files of the rows that an import could not write. */
export type FailedFile = "failed.csv" | "failed.jsonl";

const FILE_OF = { CSV: "failed.csv", JSONL: "failed.jsonl" } as const;

/**
 * The rows of a file that its task could not write, as they came, with line, field and reason in columns of their own in front:
 * behind, a row with too few or too many cells would move them. Mended, the file can be sent again as it is. Its text is UTF-8,
 * with a byte order mark where the first file was told to be of another encoding: so the same words read it.
 * @throws AppError NOT_FOUND for a task that is no import, or one of another format
 */
export async function* readFailedRows(
  imports: Pick<Imports, "origin" | "failedRows">,
  taskId: string,
  file: FailedFile,
): AsyncGenerator<string, undefined> {
  const origin = await imports.origin(taskId);
  if (origin === undefined) {
    throw new AppError("NOT_FOUND", `Task ${taskId} is no import, so it has no file of failed rows.`);
  }
  const { format, encoding = "UTF-8" } = origin.form;
  if (FILE_OF[format] !== file) {
    throw new AppError(
      "NOT_FOUND",
      `The file of task ${taskId} is ${format}; its failed rows are at ${FILE_OF[format]}.`,
    );
  }
  const write = format === "CSV" ? csvWriter(origin) : jsonlWriter();
  yield encoding === "UTF-8" ? write.head : `\uFEFF${write.head}`;
  for (let after: number | undefined = -1; after !== undefined;) {
    const rows = await imports.failedRows(taskId, origin.taskId, after, PAGE_SIZE);
    if (rows.length > 0) {
      yield rows.map((row) => write.row(row)).join("");
    }
    after = rows.length < PAGE_SIZE ? undefined : rows.at(-1)?.index;
  }
}

type FailedRow = Awaited<ReturnType<Imports["failedRows"]>>[number];

interface FailedWriter {
  readonly head: string;
  row(row: FailedRow): string;
}

function csvWriter({ head, form }: ImportState): FailedWriter {
  const { text = "", separator = "," } = head ?? {};
  const quote = form.csv?.quote ?? '"';
  const cell = (value: string): string =>
    value.includes(separator) || value.includes(quote) || /[\r\n]/.test(value)
      ? quote + value.replaceAll(quote, quote + quote) + quote
      : value;
  const line = (reasons: readonly string[], rest: string): string =>
    `${reasons.map(cell).join(separator)}${separator}${rest}\r\n`;
  const own = withoutReasons(text, separator);
  return {
    head: line(REASON_COLUMNS, own.text),
    row: (row) =>
      line(
        [String(row.line), row.field ?? "", row.message],
        own.isShortened ? cut(row.text, separator, quote) : row.text,
      ),
  };
}

/** The head of a file that was mended already, without the columns that it was given then. */
function withoutReasons(
  text: string,
  separator: string,
): { readonly text: string; readonly isShortened: boolean } {
  const before = REASON_COLUMNS.join(separator) + separator;
  return text.startsWith(before)
    ? { text: text.slice(before.length), isShortened: true }
    : { text, isShortened: false };
}

/** A row without its first cells: those of the reasons that it came with. */
function cut(text: string, separator: string, quote: string): string {
  let at = 0;
  for (const _reason of REASON_COLUMNS) {
    if (text[at] === quote) {
      do {
        at = text.indexOf(quote, at + 1) + 1;
      } while (at > 0 && text[at] === quote);
    }
    const end = text.indexOf(separator, Math.max(at, 0));
    if (end === -1) {
      return "";
    }
    at = end + 1;
  }
  return text.slice(at);
}

function jsonlWriter(): FailedWriter {
  return {
    head: "",
    row({ line, field, message, text }) {
      const [lineName, fieldName, reasonName] = REASON_COLUMNS;
      const reasons = { [lineName]: line, [fieldName]: field, [reasonName]: message };
      const members = membersOf(text);
      return `${JSON.stringify(members === undefined ? { ...reasons, [TEXT_NAME]: text } : { ...reasons, ...members })}\n`;
    },
  };
}

/** Holds a line that is no object, so that nothing of it is lost. */
const TEXT_NAME = "_text";

/** The object's members, without the reasons of an earlier time; undefined where the line is no object. */
function membersOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return undefined;
    }
    const notes: readonly string[] = REASON_COLUMNS;
    return Object.fromEntries(Object.entries(value).filter(([name]) => !notes.includes(name)));
  } catch {
    return undefined;
  }
}
