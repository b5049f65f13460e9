import type { Json } from "../../kernel/json.ts";
import { Turns } from "../../kernel/turns.ts";
import type { RowData, UpdateRow, UpsertRow } from "../bulk/bulk-request.ts";
import type { WritableFields } from "../bulk/check-rows.ts";
import type { SpellingOptions } from "../files/spelling.ts";
import { spellingOf } from "../files/spelling.ts";
import type { LinkChange } from "../records/change.ts";
import { fromColumnText } from "../records/column-text.ts";
import type { ColumnField, Model, ModelRegistry, UniqueKey } from "../records/model.ts";
import { columnsOf } from "../records/model.ts";
import type { RecordName } from "../records/record-name.ts";
import { apiNameOfKey } from "../records/record-name.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import type { ReadCell } from "./cell-texts.ts";
import { isProblem, linksReader, valueReader } from "./cell-texts.ts";
import type { ImportColumns, LookedUp } from "./import-columns.ts";
import { writtenBy } from "./import-columns.ts";
import type { ImportForm } from "./import-form.ts";
import type { Asked, ImportPage, RowCells } from "./import-page.ts";
import { outliersOf } from "./outliers.ts";
import { createAskedReader, textOf } from "./read-asked.ts";

/** A row of the operation. */
type ImportRow = RowData | UpdateRow | UpsertRow;

/** Reads rows of a file that have the same columns. */
export interface RowReader {
  readonly lookedUp: readonly LookedUp[];
  /** The key by which rows name their records; undefined where they do it by id, or are new. */
  readonly unique: UniqueKey | undefined;
  /** Names of the fields that new records get, and of those that change. Sorted. */
  readonly created: readonly string[];
  readonly changed: readonly string[];
  /** Shapes of rows that were found to be in order, whatever their values: see check-page. */
  readonly shapes: Set<string>;
  /** Reads the page's rows. @param cellsOf the row at a place; undefined for one that has no cells */
  read(page: ImportPage, cellsOf: (place: number) => RowCells | undefined): Promise<void>;
  /** How the row names its record. A key without a value stays so, and is refused like one in a mutation. */
  nameOf(page: ImportPage, place: number): RecordName;
  /** The row as one of a mutation's list. */
  toRow(page: ImportPage, place: number): ImportRow;
}

/** What reading rows needs. */
export interface ReaderParts {
  readonly models: ModelRegistry;
  readonly model: Model;
  readonly form: ImportForm;
  readonly columns: ImportColumns;
  readonly writable: WritableFields;
  readonly unique: UniqueKey | undefined;
}

/** A column of the file, and what becomes of its cells. */
interface ReadColumn {
  readonly at: number;
  /** The name of the field or relation. */
  readonly name: string;
  readonly read: ReadCell;
  /** Whether an empty cell leaves the field out: it cannot be null, and the default may do. */
  readonly isLeftOut: boolean;
}

export function createRowReader(parts: ReaderParts): RowReader {
  const { models, model, form, columns, writable, unique } = parts;
  const { hasDecimalComma = false, timeOffset } = form;
  const options = { hasDecimalComma, ...(timeOffset === undefined ? {} : { timeOffset }) };
  const spelt = spellColumns(parts, options);
  const askers = columns.lookedUp.map((lookedUp) =>
    createAskedReader(models, model, form, lookedUp, options),
  );
  const written = writtenBy(columns).toSorted();
  const naming = new Set([...(unique?.fields ?? model.key), ...model.key].map(({ name }) => name));
  const created = written.filter((name) => writable.creatable.has(name));
  const changed = written.filter((name) => writable.changeable.has(name) && !naming.has(name));
  const rows = rowMaker(parts);
  return {
    lookedUp: columns.lookedUp,
    unique,
    created,
    changed,
    shapes: new Set(),
    async read(page, cellsOf) {
      const turns = new Turns();
      const texts = spelt.map(({ name }) => textsOf(page, name));
      const asked = askers.map(() => [] as Asked[]);
      page.asked.push(...asked);
      let place = 0;
      const note = (problem: RecordProblem): void => page.note(place, [problem]);
      for (; place < page.lines.length; place += 1) {
        const cells = cellsOf(place);
        askers.forEach((ask, at) => asked[at]?.push(cells && ask(cells, note)));
        spelt.forEach((column, at) => texts[at]?.push(cells && readCell(column, cells, note)));
        if (turns.isOver(spelt.length)) {
          await turns.next();
        }
      }
    },
    ...rows,
    toRow(page, place) {
      switch (form.operation) {
        case "CREATE":
          return rows.dataOf(page, place, created, "add");
        case "UPDATE":
          return { ...rows.nameOf(page, place), data: rows.dataOf(page, place, changed, "set") };
        case "UPSERT":
          return {
            ...rows.nameOf(page, place),
            create: rows.dataOf(page, place, created, "add"),
            update: rows.dataOf(page, place, changed, "set"),
          };
      }
    },
  };
}

function spellColumns(
  { models, model, form, columns }: ReaderParts,
  options: SpellingOptions,
): readonly ReadColumn[] {
  const enums = models.enums();
  const own = new Map(columnsOf(model).map((field) => [field.name, field]));
  return [
    ...columns.values.map(({ at, column, field }) => {
      const spelling = spellingOf(enums, { ...column, relations: [], field }, options);
      const spelt = { form, header: column.header, spelling };
      return {
        at,
        name: field.name,
        read: valueReader(model, enums, own.get(field.name) ?? field, spelt),
        isLeftOut: form.operation !== "UPDATE" && !field.isNullable && !field.isList && field.type !== "Json",
      };
    }),
    ...columns.links.map(({ at, column, relation }) => {
      const spelt = { form, header: column.header, spelling: spellingOf(enums, column, options) };
      const read = linksReader(model, relation, models.get(relation.type), spelt);
      return { at, name: relation.name, read, isLeftOut: false };
    }),
  ];
}

function textsOf(page: ImportPage, name: string): (string | null | undefined)[] {
  const texts: (string | null | undefined)[] = [];
  page.texts.set(name, texts);
  return texts;
}

function readCell(
  { at, read, isLeftOut }: ReadColumn,
  cells: RowCells,
  note: (problem: RecordProblem) => void,
): string | null | undefined {
  const cell = cells[at];
  const text = cell === undefined || (cell === null && isLeftOut) ? undefined : read(cell);
  if (text === undefined || !isProblem(text)) {
    return text;
  }
  note(text);
  return undefined;
}

/** Makes the values of a row, in plain JSON, of the page's texts. */
function rowMaker({ model, unique }: ReaderParts) {
  const fields = new Map(columnsOf(model).map((field) => [field.name, field]));
  const outliers = new Map(columnsOf(model).map((field) => [field.name, outliersOf(field)]));
  const valueOf = ({ texts }: ImportPage, place: number, name: string): Json | undefined => {
    const text = texts.get(name)?.[place];
    const field = fields.get(name);
    if (text === undefined || field === undefined) {
      return undefined;
    }
    const value = fromColumnText(field, text);
    // A mutation's rows have no outliers.
    return outliers.get(name)?.substituted(value) ?? value;
  };
  const nameOf = (page: ImportPage, place: number): RecordName => {
    const [only, ...more] = unique?.fields ?? model.key;
    const value = valueOf(page, place, only?.name ?? "");
    if (unique === undefined) {
      return { id: value === undefined || value === null ? "" : textOf(value) };
    }
    const parts = unique.fields.map(
      ({ name, apiName }: ColumnField) => [apiName, valueOf(page, place, name) ?? null] as const,
    );
    return {
      key: { [apiNameOfKey(unique)]: more.length === 0 ? (value ?? null) : Object.fromEntries(parts) },
    };
  };
  const dataOf = (
    page: ImportPage,
    place: number,
    names: readonly string[],
    /** A new record has no links yet, so all of the list are added. */
    links: keyof LinkChange,
  ): RowData => {
    const data: Record<string, Json | LinkChange> = {};
    for (const name of names) {
      const text = page.texts.get(name)?.[place];
      if (fields.has(name)) {
        const value = valueOf(page, place, name);
        Object.assign(data, value === undefined ? {} : { [name]: value });
      } else if (text !== undefined && text !== null) {
        data[name] = { [links]: JSON.parse(text) as readonly string[] };
      }
    }
    return data;
  };
  return { nameOf, dataOf };
}
