import { AppError } from "../../kernel/app-error.ts";
import type { WhereFilter } from "../access/access.ts";
import type { ColumnField, RelationField } from "./model.ts";
import type { TextSearch } from "./text-search.ts";

/** A relation that an order follows. */
export interface OrderRelation extends RelationField {
  /** Which related records count, such as those within the viewer's scope; others are as if missing. Default: all. */
  readonly where?: WhereFilter | undefined;
}

/** One criterion of an order, as paging needs it. */
export interface OrderTerm {
  /** The to-one relations that lead to the value; usually none. */
  readonly relations: readonly OrderRelation[];
  /** The list of related records whose number is the value. Default: the value is the column's. */
  readonly counted?: OrderRelation | undefined;
  /** For the number of a list's records, `RECORD_COUNT`. */
  readonly column: ColumnField;
  /** The search whose relevance stands in the place of the column. */
  readonly search?: TextSearch | undefined;
  readonly isDescending: boolean;
  /** Whether records without a value come first; set even if there can be none. */
  readonly areNullsFirst: boolean;
}

/** Whether some records may have no value for the term: a null column, or no related record. There is always a number. */
export function isNullableTerm({ relations, counted, column }: OrderTerm): boolean {
  const isMissable = relations.some(({ isNullable, where }) => isNullable || where !== undefined);
  return counted === undefined && (column.isNullable || isMissable);
}

/** A record's place in a list: the text of its value for each term of the order, null for none. */
export type ListPlace = readonly (string | null)[];

/** The error for a cursor whose texts are not values of the order's columns. @param name the argument's */
export function damagedCursor(name: string, cause?: unknown): AppError {
  const message = `${name} is a damaged cursor. Take it from an earlier page.`;
  return new AppError("VALIDATION_FAILED", message, { details: { field: name }, cause });
}

/** A part of a list. */
export interface ListPart {
  /** The order. It is total: the key's fields are among the terms. */
  readonly terms: readonly OrderTerm[];
  readonly where: WhereFilter | undefined;
  /** Only records behind this place. */
  readonly after?: ListPlace | undefined;
  /** Only records in front of this place. */
  readonly before?: ListPlace | undefined;
  /** Whether to read from the end. */
  readonly isBackward: boolean;
  /** The most records. */
  readonly limit: number;
}

/** A record in a list. */
export interface ListedRecord {
  readonly id: string;
  readonly place: ListPlace;
}

/**
 * Finds the records of a page in the database's own order, and their places without loss: a time with its microseconds,
 * enum values in the order of the database's type. Records come in the order of reading.
 */
export interface ListPages {
  /** @throws AppError VALIDATION_FAILED for a place whose texts are not values of the order's columns */
  read(model: string, part: ListPart): Promise<readonly ListedRecord[]>;
  /**
   * The same for the lists of related records that several records have.
   * @returns the lists that are not empty, by the id of their record
   */
  readRelated(
    model: string,
    relation: string,
    ids: readonly string[],
    part: ListPart,
  ): Promise<ReadonlyMap<string, readonly ListedRecord[]>>;
}
