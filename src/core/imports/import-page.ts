import type { Json } from "../../kernel/json.ts";
import type { RecordProblem } from "../refusals/problems.ts";

/** A row's cells in the order of the file's columns: texts of CSV, or values of JSON; undefined for what a row leaves out. */
export type RowCells = readonly (Json | undefined)[];

/** What the rows of a page have in one column: a text that the database reads, null for none; undefined where a row leaves it out. */
export type TextColumn = readonly (string | null | undefined)[];

/**
 * What a row asks for of another model's records: the key's values as texts that the database reads, a list of them for links; null
 * for none; undefined where the row says nothing.
 */
export type Asked = readonly (readonly string[])[] | null | undefined;

/** Rows of a file, column by column. Rows are called by their places in the page, from 0. */
export class ImportPage {
  /** The place of the page's first row in the file, from 0. */
  readonly firstRow: number;
  /** The line on which each row begins, from 1. */
  readonly lines: readonly number[];
  /** By the names of fields and of many-to-many relations. */
  readonly texts = new Map<string, TextColumn>();
  /** What the rows ask for, by the place of the look-up in the reader. */
  readonly asked: (readonly Asked[])[] = [];
  readonly #problems = new Map<number, readonly RecordProblem[]>();

  constructor(firstRow: number, lines: readonly number[]) {
    this.firstRow = firstRow;
    this.lines = lines;
  }

  note(place: number, found: readonly RecordProblem[]): void {
    if (found.length > 0) {
      this.#problems.set(place, [...(this.#problems.get(place) ?? []), ...found]);
    }
  }

  /** The places of the rows without problems, of these. Default: of all */
  fine(places: readonly number[] = this.lines.map((_line, place) => place)): readonly number[] {
    return this.#problems.size === 0 ? places : places.filter((place) => !this.#problems.has(place));
  }

  /** By the rows' places in the file: why they cannot be written. */
  problems(): ReadonlyMap<number, readonly RecordProblem[]> {
    return new Map([...this.#problems].map(([place, found]) => [this.firstRow + place, found]));
  }
}
