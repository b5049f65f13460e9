import type {
  CreateImportInput,
  EmptyCells,
  ErrorPolicy,
  ImportColumnsQuery,
  ImportOperation,
  OnConflict,
} from "../generated/graphql.ts";
import type { Dialect, Sample } from "./read-sample.ts";

/** What an import would do with the columns, by the service's rules. */
export type ColumnUses = ImportColumnsQuery["importColumns"];

/** What a person chose to do with a file. */
export interface ImportForm extends Dialect {
  readonly operation: ImportOperation;
  /** The key by which rows name their records; undefined for the id. */
  readonly key: string | undefined;
  /** Paths by headers; an empty one leaves the column out. Headers that are not here are found by their names. */
  readonly mapping: Readonly<Record<string, string>>;
  readonly empty: EmptyCells;
  readonly areFormulasEscaped: boolean;
  readonly hasDecimalComma: boolean;
  readonly timeOffset: string;
  readonly onConflict: OnConflict;
  readonly errorPolicy: ErrorPolicy;
}

/** @param operations those that the viewer may do; the first is chosen */
export function emptyForm(operations: readonly ImportOperation[]): ImportForm {
  return {
    operation: operations[0] ?? "CREATE",
    key: undefined,
    mapping: {},
    empty: "BY_QUOTES",
    areFormulasEscaped: true,
    hasDecimalComma: false,
    timeOffset: "",
    onConflict: "REJECT",
    errorPolicy: "SKIP_FAILED",
  };
}

/** The mapping of headers that the file has. */
export function mappingOf(form: ImportForm, { headers }: Sample): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(form.mapping).filter(([header]) => headers.includes(header)));
}

/** The form for the API: what was found out is said, so that the service reads what the page shows. */
export function inputOf(
  model: string,
  form: ImportForm,
  sample: Sample,
  fileName: string,
): CreateImportInput {
  const { operation, key, empty, areFormulasEscaped, hasDecimalComma, timeOffset } = form;
  const { format, encoding, separator, quote } = sample.dialect;
  return {
    model,
    operation,
    fileName,
    format,
    encoding,
    mapping: mappingOf(form, sample),
    hasDecimalComma,
    ...(key === undefined || operation === "CREATE" ? {} : { key }),
    ...(format === "CSV" ? { separator, quote, empty, areFormulasEscaped } : {}),
    ...(timeOffset === "" ? {} : { timeOffset }),
  };
}

/** How the file of an import was read, for the next one. @param input of its task */
export function formOf(input: unknown): ImportForm {
  const { import: stored } = (input ?? {}) as { readonly import?: StoredForm };
  const { csv = {}, operation = "CREATE" } = stored ?? {};
  return {
    ...emptyForm([operation]),
    ...csv,
    key: stored?.key,
    mapping: stored?.mapping ?? {},
    hasDecimalComma: stored?.hasDecimalComma ?? false,
    timeOffset: stored?.timeOffset ?? "",
  };
}

interface StoredForm extends Partial<Pick<ImportForm, "operation" | "mapping" | "hasDecimalComma">> {
  readonly key?: string;
  readonly timeOffset?: string;
  readonly csv?: Partial<Pick<ImportForm, "empty" | "areFormulasEscaped" | "separator" | "quote">>;
}
