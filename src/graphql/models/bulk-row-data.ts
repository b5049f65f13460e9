import type { RowData, UpdateRow, UpsertRow } from "../../core/bulk/bulk-request.ts";
import type { RowsTarget } from "../../core/bulk/check-rows.ts";
import { listName } from "../../core/bulk/list-name.ts";
import type { LinkChange } from "../../core/records/change.ts";
import type { Model } from "../../core/records/model.ts";
import { AppError } from "../../kernel/app-error.ts";
import { toJsonValue } from "../../kernel/json-value.ts";
import { givenMembers } from "./model-schema.ts";

/** An item of the list as GraphQL hands it over: typed, without a prototype. */
export type RowArgument = Readonly<Record<string, unknown>>;

/**
 * The records as a task can store them. Whether their values fit is found by the use case, which every way of launching
 * shares; here only what it could not tell from something left out.
 *
 * @throws AppError VALIDATION_FAILED with the path of the member at fault
 */
export function parseRows(
  model: Model,
  operation: RowsTarget["operation"],
  rows: readonly RowArgument[],
): RowsTarget {
  const links = new Set(model.fields.filter(({ kind }) => kind === "relation").map(({ name }) => name));
  const place = (at: number): string => `${listName(operation)}.${at}`;
  const data = (value: unknown, path: string): RowData => parseRowData(links, value as RowArgument, path);
  switch (operation) {
    case "CREATE":
      return { operation, records: rows.map((row, at) => data(row, place(at))) };
    case "UPDATE_EACH":
      return {
        operation,
        records: rows.map((row, at): UpdateRow => ({
          id: String(row["id"]),
          data: data(row["data"], `${place(at)}.data`),
          ...parseExpected(row["expectedUpdatedAt"], `${place(at)}.expectedUpdatedAt`),
        })),
      };
    case "UPSERT":
      return {
        operation,
        records: rows.map((row, at): UpsertRow => ({
          id: String(row["id"]),
          create: data(row["create"], `${place(at)}.create`),
          update: data(row["update"], `${place(at)}.update`),
        })),
      };
  }
}

function parseRowData(links: ReadonlySet<string>, data: RowArgument, path: string): RowData {
  const parsed: Record<string, RowData[string]> = {};
  for (const [name, value] of Object.entries(data)) {
    if (value !== undefined) {
      parsed[name] = links.has(name) ? parseLinks(value, `${path}.${name}`) : toJsonValue(value);
    }
  }
  return parsed;
}

/** A list of ids in the data of a new record, else a change of links; a null in that stands for what was left out. */
function parseLinks(value: unknown, path: string): LinkChange {
  if (value === null) {
    throw invalid(path, `${path}: cannot be null. Leave it out, or give ids.`);
  }
  return Array.isArray(value) ? { add: value as string[] } : givenMembers(value as LinkChange);
}

/** A check that somebody meant to make is not to be skipped for a variable that was forgotten. */
function parseExpected(value: unknown, path: string): Pick<UpdateRow, "expectedUpdatedAt"> {
  if (value === null) {
    throw invalid(path, `${path}: cannot be null. Leave it out to write whatever the record's state.`);
  }
  return value === undefined ? {} : { expectedUpdatedAt: (value as Date).toISOString() };
}

function invalid(field: string, message: string): AppError {
  return new AppError("VALIDATION_FAILED", message, { details: { field } });
}
