import { AppError } from "../../kernel/app-error.ts";
import type { WhereFilter } from "../access/access.ts";
import { andFilters } from "../access/access.ts";
import type { Viewer } from "../access/viewer.ts";
import type { OrderInput } from "../filters/order-terms.ts";
import { parseOrder, rankedFirst, refuseOrder } from "../filters/order-terms.ts";
import { parseFilter } from "../filters/parse-filter.ts";
import type { ScopePorts } from "../filters/scope-filter.ts";
import { scopeFilter } from "../filters/scope-filter.ts";
import { parseSearch } from "../filters/search-filter.ts";
import type { OrderTerm } from "../records/list-pages.ts";
import type { Model } from "../records/model.ts";
import type { Parsed } from "../refusals/problems.ts";
import type { FileColumn, MayRead } from "./file-column.ts";
import { allColumns, columnsOfPaths } from "./file-column.ts";

/** The formats of files. */
export type FileFormat = "csv" | "jsonl";

/** How a file is written. */
export interface FileStyle {
  readonly format: FileFormat;
  /** Whether cells that a spreadsheet would run as formulas are escaped. Only CSV has them. */
  readonly areFormulasEscaped: boolean;
}

/** The records and columns of a file, as a caller asks for them: like a list of the model, without pages. */
export interface FileQuery {
  readonly where?: unknown;
  readonly orderBy?: readonly OrderInput[] | undefined;
  readonly search?: string | undefined;
  /** Paths of columns. Default: all that the viewer may read; see allColumns. */
  readonly fields?: readonly string[] | undefined;
}

/** What is read for a file, within the viewer's rights. */
export interface FileReading {
  readonly viewer: Viewer;
  readonly model: Model;
  readonly columns: readonly FileColumn[];
  readonly terms: readonly OrderTerm[];
  readonly where: WhereFilter | undefined;
  /** Which records of a related model count; undefined for all. */
  scopeOf(model: string): WhereFilter | undefined;
}

/** PostgreSQL takes 1,664 columns in a SELECT; some are for the order. */
const MAX_COLUMNS = 1_500;

/**
 * What the viewer may read of the records that are asked for.
 * @throws AppError VALIDATION_FAILED, FORBIDDEN
 */
export function readingOf(ports: ScopePorts, viewer: Viewer, model: Model, query: FileQuery): FileReading {
  const { access, models } = ports;
  const { where, orderBy = [], search, fields } = query;
  const filter = where === undefined ? undefined : valueOf(parseFilter(models, model, where));
  const scoped = scopeFilter(ports, viewer, model, andFilters(filter, valueOf(parseSearch(model, search))));
  const scopeOf = (of: string): WhereFilter | undefined => access.scope(of, viewer, "READ");
  const terms = rankedFirst(parseOrder({ models, scopeOf }, model, orderBy), orderBy, scoped);
  refuseOrder(ports, viewer, model, terms.slice(0, orderBy.length));
  const mayRead = readableBy(ports, viewer);
  const columns =
    fields === undefined
      ? allColumns(models, model, mayRead)
      : valueOf(columnsOfPaths(models, model, fields, mayRead));
  refuseCount(columns.length);
  return { viewer, model, columns, terms, where: scoped, scopeOf };
}

/** Whether the viewer may read a field, and for a relation any record of the other model. */
function readableBy({ access }: Pick<ScopePorts, "access">, viewer: Viewer): MayRead {
  return (model, field) =>
    access.isFieldAllowed(model.name, field.name, viewer, "READ") &&
    (field.kind !== "relation" || access.isAllowed(field.type, viewer, "READ"));
}

function refuseCount(count: number): void {
  if (count === 0) {
    throw new AppError("FORBIDDEN", "You may not read any field of these records.");
  }
  if (count > MAX_COLUMNS) {
    const message = `fields must name at most ${MAX_COLUMNS} columns, not ${count}.`;
    throw new AppError("VALIDATION_FAILED", message, { details: { field: "fields" } });
  }
}

/** @throws AppError with the code of the first problem, that tells all problems */
function valueOf<Value>(parsed: Parsed<Value>): Value {
  if ("value" in parsed) {
    return parsed.value;
  }
  const { problems } = parsed;
  const [first] = problems;
  throw new AppError(first?.code ?? "VALIDATION_FAILED", problems.map(({ message }) => message).join(" "), {
    details: { field: first?.field },
  });
}

/** A file that is being written. */
export interface FileStream {
  /** Its bytes, read as fast as they are taken. Ending the iteration early cancels the reading. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Records written so far. */
  readonly records: () => number;
}

/** Writes records into files: in one snapshot, and no faster than they are read. */
export interface FileWriter {
  /**
   * Resolves once the first records are there, or there are none.
   * @param signal ends the reading; the iteration then throws its reason
   * @throws AppError VALIDATION_FAILED for a filter's value that its column cannot hold, UNAVAILABLE
   */
  open(reading: FileReading, style: FileStyle, signal: AbortSignal): Promise<FileStream>;
}
