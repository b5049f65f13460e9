import type { Json } from "../../kernel/json.ts";
import type { FieldChange, LinkChange, RecordChange } from "../records/change.ts";
import type { ColumnField, EnumType, Model, ModelRegistry } from "../records/model.ts";
import { apiNameOf } from "../records/model.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import { describeMisfit } from "../records/column-value.ts";
import { problem } from "../refusals/problems.ts";
import { changeableColumns } from "../records/writable-fields.ts";
import { changeableLinks } from "./bulk-rules.ts";
import { describeLinkMisfit } from "./check-links.ts";

const ARITHMETIC = new Set(["increment", "decrement", "multiply"]);
const NUMERIC = new Set(["Int", "BigInt", "Float", "Decimal"]);

/**
 * The problems of a bulk change; empty if it may be applied. Checked at the launch, and again in the worker, since the
 * rules may have changed.
 */
export function checkChange(
  models: ModelRegistry,
  model: Model,
  change: RecordChange,
): readonly RecordProblem[] {
  const columns = new Map(changeableColumns(model, "BULK").map((field) => [field.name, field]));
  const links = new Map(changeableLinks(models, model, "BULK").map((field) => [field.name, field]));
  const names = Object.keys(change);
  if (names.length === 0) {
    return [problem("The change names no field. Give at least one, such as {field: {set: value}}.")];
  }
  return names.flatMap((name) => {
    const column = columns.get(name);
    const link = links.get(name);
    const members = change[name];
    const named = apiNameOf(model, name);
    if ((column === undefined && link === undefined) || members === undefined) {
      const known = [...columns.values(), ...links.values()].map(({ apiName }) => apiName).join(", ");
      return [
        problem(`${model.apiName}.${named} cannot be changed in bulk. Fields that can: ${known}.`, named),
      ];
    }
    const misfit =
      link === undefined
        ? describeFieldMisfit(column, models.enums(), members as FieldChange)
        : describeLinkMisfit(models.get(link.type), members as LinkChange);
    return misfit === undefined ? [] : [problem(`${model.apiName}.${named}: ${misfit}`, named)];
  });
}

function describeFieldMisfit(
  field: ColumnField | undefined,
  enums: readonly EnumType[],
  change: FieldChange,
): string | undefined {
  const members = Object.entries(change) as readonly [string, Json][];
  const [first] = members;
  if (field === undefined || first === undefined || members.length > 1) {
    return describeMemberCount(field);
  }
  const [operator, value] = first;
  if (operator === "set") {
    return describeMisfit(field, enums, value);
  }
  if (!ARITHMETIC.has(operator)) {
    return `${operator} is not an operation; give ${isNumeric(field) ? "set, increment, decrement or multiply" : "set"}.`;
  }
  if (!isNumeric(field)) {
    return `${operator} needs a number field; this one is ${field.type}${field.isList ? "[]" : ""}. Use set.`;
  }
  return value === null ? `${operator} needs a number, not null.` : describeMisfit(field, enums, value);
}

/** For a change without exactly one member. A null counts as left out, and may have been meant as the value. */
function describeMemberCount(field: ColumnField | undefined): string {
  const what =
    field === undefined || isNumeric(field)
      ? "give exactly one of set, increment, decrement, multiply"
      : "give set";
  return field?.isNullable === true ? `${what}; to clear it, give {set: null}.` : `${what}.`;
}

function isNumeric({ type, isList }: ColumnField): boolean {
  return NUMERIC.has(type) && !isList;
}
