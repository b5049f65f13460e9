import type { Json } from "../../kernel/json.ts";
import type { RowData, UpdateRow, UpsertRow } from "../bulk/bulk-request.ts";
import type { WritableFields } from "../bulk/check-rows.ts";
import type { Spelling, SpellingOptions } from "../files/spelling.ts";
import { spellingOf } from "../files/spelling.ts";
import type { LinkChange } from "../records/change.ts";
import type { ColumnField, Model, ModelRegistry, UniqueKey } from "../records/model.ts";
import { apiNameOfKey } from "../records/record-name.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import type { ImportColumns, LookedUp } from "./import-columns.ts";
import { writtenBy } from "./import-columns.ts";
import type { ImportForm } from "./import-form.ts";

/** A row of the operation. */
export type ImportRow = RowData | UpdateRow | UpsertRow;

/** The values of a row, before what it names of other records is looked up. */
export interface ReadRow {
  /** By field name. */
  readonly values: Record<string, Json | LinkChange>;
  /**
   * What each of the plan's `lookedUp` asks for: the key's values as texts that the database reads, a list of them for links;
   * null for none; undefined where the row says nothing.
   */
  readonly asked: readonly (readonly (readonly string[])[] | null | undefined)[];
  readonly problems: RecordProblem[];
}

/** Makes rows of an operation from a file's rows. */
export interface RowReader {
  readonly lookedUp: readonly LookedUp[];
  /** @param cells in the order of the file's columns: texts of CSV, or values of JSON; undefined for what a row leaves out */
  read(cells: readonly (Json | undefined)[]): ReadRow;
  /** The row of the operation with these values. */
  toRow(values: ReadRow["values"]): ImportRow;
}

/** What reading rows needs. */
interface ReaderParts {
  readonly models: ModelRegistry;
  readonly model: Model;
  readonly form: ImportForm;
  readonly columns: ImportColumns;
  readonly writable: WritableFields;
  /** Undefined where rows are named by id, or are new. */
  readonly unique: UniqueKey | undefined;
}

/** A column with how its cells are read. */
interface SpeltColumn {
  readonly at: number;
  /** The path for callers: `country.code`. */
  readonly header: string;
  /** Where the value goes. */
  readonly name: string;
  readonly spelling: Spelling;
  /** Whether an empty cell leaves the field out: it cannot be null, and the default may do. */
  readonly isLeftOut: boolean;
  readonly isLinks: boolean;
}

/** What each of the file's looked up columns is read by. */
interface SpeltKey {
  readonly isLinks: boolean;
  readonly parts: readonly { readonly at: number; readonly header: string; readonly spelling: Spelling }[];
}

export function createRowReader(parts: ReaderParts): RowReader {
  const { models, form, columns } = parts;
  const { hasDecimalComma = false, timeOffset } = form;
  const options = { hasDecimalComma, ...(timeOffset === undefined ? {} : { timeOffset }) };
  const spelt = spellColumns(parts, options);
  const keys = columns.lookedUp.map(({ isLinks, parts: placed }): SpeltKey => ({
    isLinks,
    parts: placed.map(({ at, column }) => ({
      at,
      header: column.header,
      spelling: spellingOf(models.enums(), column, options),
    })),
  }));
  const reader = new CellReader(parts);
  return {
    lookedUp: columns.lookedUp,
    read(cells) {
      const row: ReadRow = { values: {}, asked: keys.map((key) => reader.ask(key, cells)), problems: [] };
      reader.readValues(spelt, cells, row);
      row.problems.push(...reader.takeProblems());
      return row;
    },
    toRow: rowMaker(parts),
  };
}

function spellColumns(
  { models, form, columns }: ReaderParts,
  options: SpellingOptions,
): readonly SpeltColumn[] {
  const enums = models.enums();
  return [
    ...columns.values.map(({ at, column, field }) => ({
      at,
      header: column.header,
      name: field.name,
      spelling: spellingOf(enums, { ...column, relations: [], field }, options),
      isLeftOut: form.operation !== "UPDATE" && !field.isNullable && !field.isList && field.type !== "Json",
      isLinks: false,
    })),
    ...columns.links.map(({ at, column, relation }) => ({
      at,
      header: column.header,
      name: relation.name,
      spelling: spellingOf(enums, column, options),
      isLeftOut: false,
      isLinks: true,
    })),
  ];
}

/** Reads the cells of rows, and notes the problems of the row at hand. */
class CellReader {
  readonly #model: Model;
  readonly #isText: boolean;
  #problems: RecordProblem[] = [];

  constructor({ model, form }: ReaderParts) {
    this.#model = model;
    this.#isText = form.format === "CSV";
  }

  takeProblems(): readonly RecordProblem[] {
    const problems = this.#problems;
    this.#problems = problems.length === 0 ? problems : [];
    return problems;
  }

  readValues(columns: readonly SpeltColumn[], cells: readonly (Json | undefined)[], row: ReadRow): void {
    for (const { at, header, name, spelling, isLeftOut, isLinks } of columns) {
      const cell = cells[at];
      if (cell !== undefined && !(cell === null && isLeftOut)) {
        const value = this.#read(spelling, header, cell);
        if (value !== undefined) {
          row.values[name] = isLinks ? { set: (value as readonly Json[]).map(String) } : value;
        }
      }
    }
  }

  /** See ReadRow. */
  ask({ parts, isLinks }: SpeltKey, cells: readonly (Json | undefined)[]): ReadRow["asked"][number] {
    if (parts.every(({ at }) => cells[at] === undefined)) {
      return undefined;
    }
    const values = parts.map(({ at, header, spelling }) => this.#read(spelling, header, cells[at] ?? null));
    if (isLinks) {
      const [list] = values;
      return ((list ?? []) as readonly Json[]).map((value) => [textOf(value)]);
    }
    const texts = values.map((value) => (value === undefined || value === null ? undefined : textOf(value)));
    if (texts.every((text) => text === undefined)) {
      return null;
    }
    const missing = parts[texts.indexOf(undefined)];
    if (missing !== undefined && values[parts.indexOf(missing)] === null) {
      this.#note(missing.header, "give all parts of the key, or leave all empty.");
    }
    return missing === undefined ? [texts as readonly string[]] : null;
  }

  /** Undefined for a cell with a problem. */
  #read(spelling: Spelling, header: string, cell: Json): Json | undefined {
    const read = this.#isText ? spelling.fromText(cell as string | null) : spelling.fromJson(cell);
    if ("value" in read) {
      return read.value;
    }
    this.#note(header, read.problem);
    return undefined;
  }

  #note(header: string, words: string): void {
    this.#problems.push(problem(`${this.#model.apiName}.${header}: ${words}`, header));
  }
}

/** A value as a text that the database reads. */
function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function rowMaker(parts: ReaderParts): (values: ReadRow["values"]) => ImportRow {
  const { model, columns, form, writable, unique } = parts;
  const keyFields = unique?.fields ?? model.key;
  const naming = new Set([...keyFields, ...model.key].map(({ name }) => name));
  const links = new Set(
    [...columns.links, ...columns.lookedUp.filter(({ isLinks }) => isLinks)].map(
      ({ relation }) => relation.name,
    ),
  );
  const written = writtenBy(columns);
  const created = written.filter((name) => writable.creatable.has(name));
  const changed = written.filter((name) => writable.changeable.has(name) && !naming.has(name));
  const creation = (values: ReadRow["values"]): RowData => {
    const data: Record<string, Json | LinkChange> = {};
    for (const name of created) {
      const value = values[name];
      if (value !== undefined) {
        // A new record has no links yet, so all of the list are added.
        data[name] = links.has(name) ? { add: (value as LinkChange).set ?? [] } : value;
      }
    }
    return data;
  };
  const change = (values: ReadRow["values"]): RowData => {
    const data: Record<string, Json | LinkChange> = {};
    for (const name of changed) {
      const value = values[name];
      if (value !== undefined) {
        data[name] = value;
      }
    }
    return data;
  };
  switch (form.operation) {
    case "CREATE":
      return creation;
    case "UPDATE":
      return (values) => ({ ...nameOf(keyFields, unique, values), data: change(values) });
    case "UPSERT":
      return (values) => ({
        ...nameOf(keyFields, unique, values),
        create: creation(values),
        update: change(values),
      });
  }
}

/** How a row names its record. A key without a value stays so, and is refused like one in a mutation. */
function nameOf(
  [only, ...more]: readonly ColumnField[],
  unique: UniqueKey | undefined,
  values: ReadRow["values"],
): Pick<UpdateRow, "id" | "key"> {
  const value = values[only?.name ?? ""] as Json | undefined;
  if (unique === undefined) {
    return { id: value === undefined || value === null ? "" : textOf(value) };
  }
  const parts = unique.fields.map(({ name, apiName }) => [apiName, values[name] as Json] as const);
  return { key: { [apiNameOfKey(unique)]: more.length === 0 ? (value ?? null) : Object.fromEntries(parts) } };
}
