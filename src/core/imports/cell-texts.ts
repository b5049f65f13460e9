import type { Json } from "../../kernel/json.ts";
import { isStorableText } from "../../kernel/json.ts";
import { describeLinkMisfit, canonicalLinks } from "../bulk/check-links.ts";
import type { Spelling } from "../files/spelling.ts";
import { toColumnText } from "../records/column-text.ts";
import { describeMisfit } from "../records/column-value.ts";
import type { ColumnField, EnumType, Model, RelationField, ScalarType } from "../records/model.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import type { ImportForm } from "./import-form.ts";
import type { Outliers } from "./outliers.ts";
import { outliersOf } from "./outliers.ts";

/**
 * What a cell comes to: a text that the database reads (see column-text), of links a JSON array of ids; null for none; or why it
 * cannot be written.
 */
type CellText = string | null | RecordProblem;

/** Reads the cells of one column: texts of CSV, or values of JSON. Made once for a file, since it is called for every cell. */
export type ReadCell = (cell: Json) => CellText;

export function isProblem(text: CellText): text is RecordProblem {
  return typeof text === "object" && text !== null;
}

/** How the cells of a column are spelled, and the path of the column for callers: `country.code`. */
interface SpeltCells {
  readonly form: ImportForm;
  readonly header: string;
  readonly spelling: Spelling;
}

/** Reads values of a field, which are checked like those of a mutation. */
export function valueReader(
  model: Model,
  enums: readonly EnumType[],
  field: ColumnField,
  spelt: SpeltCells,
): ReadCell {
  const read = jsonReader(model, spelt);
  const readUsual: ReadCell = (cell) => {
    const value = read(cell);
    if ("problem" in value) {
      return value.problem;
    }
    const misfit = describeMisfit(field, enums, value.json);
    return misfit === undefined
      ? toColumnText(field, value.json)
      : problem(`${model.apiName}.${field.apiName}: ${misfit}`, field.apiName);
  };
  const outliers = outliersOf(field);
  const readAny = outliers === undefined ? readUsual : withOutliers(field, outliers, readUsual);
  const isPlain = spelt.form.format === "CSV" ? plainForm(field, spelt.form) : undefined;
  return isPlain === undefined
    ? readAny
    : (cell) => (typeof cell === "string" && isPlain(cell) ? cell : readAny(cell));
}

/** Takes outliers as they are; what stands beside them in a list is read as usual. */
function withOutliers(field: ColumnField, outliers: Outliers, readUsual: ReadCell): ReadCell {
  if (!field.isList) {
    return (cell) => (outliers.isOne(cell) ? cell : readUsual(cell));
  }
  return (cell) => {
    const list = typeof cell === "string" ? parsedList(cell) : cell;
    if (!Array.isArray(list) || !list.some(outliers.isOne)) {
      return readUsual(cell);
    }
    const usual = outliers.substituted(list);
    const text = readUsual(typeof cell === "string" ? JSON.stringify(usual) : usual);
    return typeof text === "string"
      ? JSON.stringify(
          (JSON.parse(text) as readonly Json[]).map((item, at) =>
            outliers.isOne(list[at]) ? list[at] : item,
          ),
        )
      : text;
  };
}

function parsedList(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

/** Reads lists of linked records' ids. */
export function linksReader(
  model: Model,
  relation: RelationField,
  target: Model,
  spelt: SpeltCells,
): ReadCell {
  const read = jsonReader(model, spelt);
  return (cell) => {
    const value = read(cell);
    if ("problem" in value) {
      return value.problem;
    }
    const links = { set: (value.json as readonly Json[]).map(String) };
    const misfit = describeLinkMisfit(target, links);
    return misfit === undefined
      ? JSON.stringify(canonicalLinks(target, links).set)
      : problem(`${model.apiName}.${relation.apiName}: ${misfit}`, relation.apiName);
  };
}

/** Reads values in the API's JSON form. */
export function jsonReader(
  model: Model,
  { form, header, spelling }: SpeltCells,
): (cell: Json) => { readonly json: Json } | { readonly problem: RecordProblem } {
  const isText = form.format === "CSV";
  return (cell) => {
    const read = isText ? spelling.fromText(cell as string | null) : spelling.fromJson(cell);
    return "value" in read
      ? { json: read.value }
      : { problem: problem(`${model.apiName}.${header}: ${read.problem}`, header) };
  };
}

/**
 * Tells texts that stand for themselves, as nearly all of a file's do: reading them would give the same text, after a much longer
 * way. Numbers have few enough digits to be within their type's range, and for JavaScript to write them the same.
 */
const PLAIN_FORMS: { readonly [Type in ScalarType]?: (text: string) => boolean } = {
  String: isStorableText,
  Boolean: (text) => text === "true" || text === "false",
  Int: matches(/^(?:0|-?(?:[1-9]\d{0,8}|1\d{9}))$/),
  BigInt: matches(/^(?:0|-?[1-9]\d{0,17})$/),
  Float: matches(/^(?:0|-?[1-9]\d{0,8}|-?(?:0|[1-9]\d{0,8})\.\d{0,5}[1-9])$/),
  Decimal: matches(/^(?:0|-?[1-9]\d*|-?(?:0|[1-9]\d*)\.\d+)$/),
};

function matches(pattern: RegExp): (text: string) => boolean {
  return (text) => pattern.test(text);
}

function plainForm(
  { kind, type, isList }: ColumnField,
  { hasDecimalComma = false }: ImportForm,
): ((text: string) => boolean) | undefined {
  const isFraction = type === "Float" || type === "Decimal";
  return kind === "scalar" && !isList && !(isFraction && hasDecimalComma) ? PLAIN_FORMS[type] : undefined;
}
