import { AppError } from "../../kernel/app-error.ts";
import type { JsonObject } from "../../kernel/json.ts";
import type { Viewer } from "../access/viewer.ts";
import type { WritableFields } from "../bulk/check-rows.ts";
import { writableFields } from "../bulk/check-rows.ts";
import { refuseWrite } from "../bulk/write-rights.ts";
import type { Model } from "../records/model.ts";
import type { Parsed, RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import type { FileRow } from "./file-rows.ts";
import type { ImportColumns } from "./import-columns.ts";
import { missingKey, readColumns, readKey, writtenBy } from "./import-columns.ts";
import type { ImportForm } from "./import-form.ts";
import type { ImportPorts } from "./import-ports.ts";
import { OPERATION_OF } from "./import-form.ts";
import type { RowCells } from "./import-page.ts";
import { ImportPage } from "./import-page.ts";
import type { RowReader } from "./row-reader.ts";
import { createRowReader } from "./row-reader.ts";

/** Rows of a page, and what read them. */
export interface ReadPage {
  readonly reader: RowReader;
  readonly page: ImportPage;
}

/** Reads the values of a file's rows, page by page. */
export interface PageReader {
  /** @throws AppError VALIDATION_FAILED where a head means nothing, FORBIDDEN where the viewer may not write a field */
  readHead(names: readonly string[]): void;
  /** @param firstRow place of the first row in the file, from 0. @throws as readHead, for the names in JSON */
  readRows(rows: readonly FileRow[], firstRow: number): Promise<ReadPage>;
  /** The names, so far, of columns that nobody can write. */
  readOnlyColumns(): readonly string[];
}

/** A file may name this many columns: more are a mistake, or an attack. */
const MAX_COLUMNS = 2000;
/** What stands for the end of a value in the store; see IMPORT_MARKS there. They are no characters, so no text needs them. */
const MARKS = /[\uFDD0-\uFDD2]|\\ufdd[0-2]/i;

export function createPageReader(
  ports: Pick<ImportPorts, "models" | "access">,
  viewer: Viewer,
  model: Model,
  form: ImportForm,
): PageReader {
  const plans = new Plans(ports, viewer, model, form);
  let head: Plan | undefined;
  return {
    readHead(names) {
      head = plans.ofHead(names);
    },
    readOnlyColumns: () => plans.readOnlyColumns,
    async readRows(rows, firstRow) {
      const plan = head ?? plans.ofObjects(rows);
      const lines = rows.map(({ line }) => line);
      const page = new ImportPage(firstRow, lines);
      await plan.reader.read(page, (place) => {
        const row = rows[place];
        return row && readCells(plan, row, (found) => page.note(place, found));
      });
      return { reader: plan.reader, page };
    },
  };
}

/** The row's cells, if it has any. Notes what is wrong with the row as a whole. */
function readCells(
  { names, faults }: Plan,
  { text, content }: FileRow,
  note: (found: readonly RecordProblem[]) => void,
): RowCells | undefined {
  if (MARKS.test(text)) {
    note([problem("The row holds U+FDD0, U+FDD1 or U+FDD2, which are no characters.")]);
  }
  if (typeof content === "string") {
    note([problem(content)]);
    return undefined;
  }
  if (!Array.isArray(content)) {
    const object = content as JsonObject;
    note(faults.size === 0 ? [] : Object.keys(object).flatMap((name) => faults.get(name) ?? []));
    return names.map((name) => (Object.hasOwn(object, name) ? object[name] : undefined));
  }
  const cells = content as readonly (string | null)[];
  if (cells.length === names.length) {
    return cells;
  }
  const message = `The row has ${cells.length} cells, and the first line names ${names.length} columns. A text that holds the separator belongs in quotes.`;
  note([problem(message)]);
  return undefined;
}

/** What reads rows with these names. */
interface Plan {
  readonly names: readonly string[];
  readonly reader: RowReader;
  /** By name: why rows that have it cannot be written. */
  readonly faults: ReadonlyMap<string, readonly RecordProblem[]>;
}

/** Makes plans for the names of a head, or of objects. */
class Plans {
  readonly #ports: Pick<ImportPorts, "models" | "access">;
  readonly #viewer: Viewer;
  readonly #model: Model;
  readonly #form: ImportForm;
  readonly #writable: WritableFields;
  readonly #faults = new Map<string, readonly RecordProblem[]>();
  readonly #known = new Set<string>();
  #plan: Plan | undefined;
  /** See PageReader. */
  readOnlyColumns: readonly string[] = [];

  constructor(ports: Pick<ImportPorts, "models" | "access">, viewer: Viewer, model: Model, form: ImportForm) {
    this.#ports = ports;
    this.#viewer = viewer;
    this.#model = model;
    this.#form = form;
    this.#writable = writableFields(ports.models, model);
  }

  ofHead(names: readonly string[]): Plan {
    refuseMany(names.length, 1);
    const columns = this.#columnsOf(names);
    if ("problems" in columns) {
      throw refused(columns.problems, 1);
    }
    const isNamed = this.#form.operation !== "CREATE";
    const fault = isNamed ? missingKey(this.#model, this.#form, columns.value) : undefined;
    if (fault !== undefined) {
      throw refused([fault], 1);
    }
    return { names, reader: this.#readerOf(columns.value), faults: this.#faults };
  }

  ofObjects(rows: readonly FileRow[]): Plan {
    const before = this.#count();
    for (const { content, line } of rows) {
      const names = typeof content === "string" ? [] : Object.keys(content);
      names.forEach((name) => this.#note(name, line));
    }
    if (this.#plan === undefined || this.#count() > before) {
      const names = [...this.#known];
      const columns = this.#columnsOf(names);
      if ("problems" in columns) {
        throw refused(columns.problems, rows[0]?.line ?? 1);
      }
      this.#plan = { names, reader: this.#readerOf(columns.value), faults: this.#faults };
    }
    return this.#plan;
  }

  #count(): number {
    return this.#known.size + this.#faults.size;
  }

  #note(name: string, line: number): void {
    if (this.#known.has(name) || this.#faults.has(name)) {
      return;
    }
    refuseMany(this.#count() + 1, line);
    const alone = this.#columnsOf([name]);
    // Two names that mean the same are found only together.
    const together = "problems" in alone ? alone : this.#columnsOf([...this.#known, name]);
    if ("problems" in together) {
      this.#faults.set(name, together.problems);
    } else {
      this.#known.add(name);
    }
  }

  #columnsOf(names: readonly string[]): Parsed<ImportColumns> {
    const { format, operation, mapping: given = {} } = this.#form;
    const named = Object.entries(given).filter(([name]) => format === "CSV" || names.includes(name));
    const mapping = Object.fromEntries(named);
    const ports = { ...this.#ports, writable: this.#writable };
    return readColumns(ports, this.#viewer, this.#model, names, { operation, mapping });
  }

  #readerOf(columns: ImportColumns): RowReader {
    const model = this.#model;
    const operation = OPERATION_OF[this.#form.operation];
    const forbidden = refuseWrite(this.#ports.access, this.#viewer, model, operation, writtenBy(columns));
    if (forbidden !== undefined) {
      throw new AppError(
        "FORBIDDEN",
        `${forbidden.message} Leave its column out, in the file or by the mapping.`,
      );
    }
    this.readOnlyColumns = columns.readOnlyColumns;
    const key = readKey(model, this.#form.key);
    return createRowReader({
      models: this.#ports.models,
      model,
      form: this.#form,
      columns,
      writable: this.#writable,
      unique: "value" in key ? key.value : undefined,
    });
  }
}

function refuseMany(count: number, line: number): void {
  if (count > MAX_COLUMNS) {
    const message = `The file names more than ${MAX_COLUMNS} columns. Is its separator another one?`;
    throw new AppError("LIMIT_EXCEEDED", message, { details: { line, limit: MAX_COLUMNS } });
  }
}

function refused(problems: readonly RecordProblem[], line: number): AppError {
  const shown = problems.slice(0, 10);
  const [first] = shown;
  return new AppError(first?.code ?? "VALIDATION_FAILED", shown.map(({ message }) => message).join(" "), {
    details: { line, problems: shown },
  });
}
