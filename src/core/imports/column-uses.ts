import type { Access } from "../access/access.ts";
import type { Viewer } from "../access/viewer.ts";
import { writableFields } from "../bulk/check-rows.ts";
import { refuseWrite } from "../bulk/write-rights.ts";
import { knownHeaders } from "../files/file-column.ts";
import { matchHeaders } from "../files/match-headers.ts";
import { apiNameOfKey, namingKeys } from "../records/record-name.ts";
import type { Model } from "../records/model.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import {
  isReasonColumn,
  mappingProblem,
  mayReadHeader,
  missingKey,
  readColumns,
  writtenBy,
} from "./import-columns.ts";
import { OPERATION_OF } from "./import-form.ts";
import type { ImportForm } from "./import-form.ts";
import type { ImportPorts } from "./import-ports.ts";

/** What an import does with a column. READ_ONLY: nobody can write it. LEFT_OUT: by the mapping. */
export type ColumnUse = "WRITTEN" | "READ_ONLY" | "LEFT_OUT" | "UNKNOWN";

/** One column of a file. */
export interface ColumnOfFile {
  readonly header: string;
  /** The path of its field; null for one that is left out or unknown. */
  readonly path: string | null;
  readonly use: ColumnUse;
  /** Why it is unknown; null for all others. */
  readonly problem: string | null;
}

/** A key by which rows may name their records. */
export interface KeyOfRows {
  /** As the import's option `key` calls it. */
  readonly name: string;
  /** The fields that a row needs. */
  readonly fields: readonly string[];
}

/** What an import would do with the columns of a file. */
export interface ColumnUses {
  readonly columns: readonly ColumnOfFile[];
  /** The paths that a column may be mapped to. */
  readonly paths: readonly string[];
  /** The keys by which rows may name their records; the id is the first, where it is of one field. */
  readonly keys: readonly KeyOfRows[];
  /** Why a file with these columns would be refused, apart from unknown ones. */
  readonly problems: readonly RecordProblem[];
}

/** What is asked before a file is sent. */
export interface ColumnQuestion {
  readonly viewer: Viewer;
  readonly form: Pick<ImportForm, "model" | "operation" | "key" | "mapping">;
  /** The file's first line, or the names in its objects. */
  readonly headers: readonly string[];
}

/** More are refused by the import, too. */
const MAX_COLUMNS = 2000;

/** Finds out by the import's own rules what it would do with columns of these names. Reads no records. */
export function findColumnUses(
  { models, access }: Pick<ImportPorts, "models" | "access">,
  { viewer, form, headers }: ColumnQuestion,
): ColumnUses {
  const model = models.get(form.model);
  const operation = OPERATION_OF[form.operation];
  const keys = keysOf(model);
  const refusal = refuseQuestion(access, viewer, model, { form, headers });
  if (refusal !== undefined) {
    return { columns: [], paths: [], keys, problems: [refusal] };
  }
  const ports = { models, access, writable: writableFields(models, model) };
  const { mapping: given = {} } = form;
  const read = (names: readonly string[], mapping: ImportForm["mapping"] & object) =>
    readColumns(ports, viewer, model, names, { operation: form.operation, mapping });
  const isWritten = (path: string): boolean => {
    const alone = read([path], {});
    return (
      "value" in alone &&
      alone.value.readOnlyColumns.length === 0 &&
      refuseWrite(access, viewer, model, operation, writtenBy(alone.value)) === undefined
    );
  };
  const whole = read(headers, given);
  const written = "value" in whole ? writtenBy(whole.value) : [];
  const denied = refuseWrite(access, viewer, model, operation, written)?.message;
  const missing =
    "value" in whole && form.operation !== "CREATE" ? missingKey(model, form, whole.value) : undefined;
  const readOnly: readonly string[] = "value" in whole ? whole.value.readOnlyColumns : [];
  const mayRead = mayReadHeader(access, viewer, model);
  const columns = headers.map((header): ColumnOfFile => {
    const mapped = Object.hasOwn(given, header) ? given[header] : undefined;
    if (mapped === "" || isReasonColumn(header)) {
      return { header, path: null, use: "LEFT_OUT", problem: null };
    }
    const mapping = mapped === undefined ? {} : { [header]: mapped };
    const found = matchHeaders(models, model, [header], { mapping, mayRead });
    if ("problems" in found) {
      return { header, path: null, use: "UNKNOWN", problem: found.problems[0]?.message ?? null };
    }
    const use = readOnly.includes(header) ? "READ_ONLY" : "WRITTEN";
    return { header, path: found.value[0]?.header ?? null, use, problem: null };
  });
  const ofColumns = new Set(columns.map((column) => column.problem));
  return {
    columns,
    paths: knownHeaders(models, model).filter(isWritten),
    keys,
    problems: [
      ...("problems" in whole ? whole.problems.filter(({ message }) => !ofColumns.has(message)) : []),
      ...(denied === undefined ? [] : [problem(denied, undefined, "FORBIDDEN")]),
      ...(missing === undefined ? [] : [missing]),
    ],
  };
}

function keysOf(model: Model): readonly KeyOfRows[] {
  const uniques = namingKeys(model).map((key) => ({ name: apiNameOfKey(key), fields: key.fields }));
  const all = model.key.length === 1 ? [{ name: "id", fields: model.key }, ...uniques] : uniques;
  return all.map(({ name, fields }) => ({ name, fields: fields.map(({ apiName }) => apiName) }));
}

function refuseQuestion(
  access: Access,
  viewer: Viewer,
  model: Model,
  { form, headers }: Pick<ColumnQuestion, "form" | "headers">,
): RecordProblem | undefined {
  const forbidden = refuseWrite(access, viewer, model, OPERATION_OF[form.operation], []);
  if (forbidden !== undefined) {
    return problem(forbidden.message, undefined, "FORBIDDEN");
  }
  return headers.length > MAX_COLUMNS
    ? problem(`The file names more than ${MAX_COLUMNS} columns.`)
    : mappingProblem(form.mapping);
}
