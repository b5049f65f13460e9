import type { Json } from "../../kernel/json.ts";
import { describeUnstorableJson } from "../../kernel/storable-json.ts";
import { canonicalLinks, describeLinkMisfit } from "../../core/bulk/check-links.ts";
import type { LinkChange } from "../../core/records/change.ts";
import type { ColumnField, Model, ModelRegistry, RelationField } from "../../core/records/model.ts";
import type { RecordKey } from "../../core/records/record-key.ts";
import { parseRecordKey } from "../../core/records/record-key.ts";
import type { RecordProblem } from "../../core/refusals/problems.ts";
import type { RecordData } from "../../core/records/record-writer.ts";
import type { RelationChange } from "../../core/records/relation-change.ts";
import { givenMembers } from "./model-schema.ts";

/** An input as GraphQL hands it over: typed, without a prototype. */
export type DataArgument = Readonly<Record<string, unknown>>;

/** The data to write, or what is wrong with it. */
export type ParsedData = { readonly data: RecordData } | { readonly problems: readonly RecordProblem[] };

/**
 * Checks what GraphQL's types cannot say, and turns ids of links into keys.
 * @param argument the input's name where there are two of them: problems then say which one they are about
 */
export function parseData(
  models: ModelRegistry,
  model: Model,
  input: DataArgument,
  argument?: "create" | "update",
): ParsedData {
  const members = Object.entries(input).filter(([, value]) => value !== undefined);
  if (members.length === 0) {
    const message = `${argument ?? "data"} names no field. Give at least one.`;
    return { problems: [{ code: "VALIDATION_FAILED", message, ...(argument && { field: argument }) }] };
  }
  const parsed = members.map(([name, value]) => [name, parseMember(models, model, name, value)] as const);
  const problems = parsed.flatMap(([, member]) => ("problem" in member ? [member.problem] : []));
  if (problems.length > 0) {
    return { problems: problems.map((problem) => within(argument, problem)) };
  }
  return {
    data: Object.fromEntries(
      parsed.map(([name, member]) => [name, "value" in member ? member.value : undefined]),
    ),
  };
}

function within(argument: string | undefined, problem: RecordProblem): RecordProblem {
  return argument === undefined
    ? problem
    : { ...problem, field: `${argument}.${problem.field}`, message: `${argument}.${problem.message}` };
}

type ParsedMember = { readonly value: unknown } | { readonly problem: RecordProblem };

function parseMember(models: ModelRegistry, model: Model, name: string, value: unknown): ParsedMember {
  const field = model.fields.find((candidate) => candidate.name === name);
  if (field === undefined) {
    return refuse(name, `${model.name} has no field "${name}".`);
  }
  if (field.kind === "relation") {
    return parseLinks(models, field, value);
  }
  const misfit = describeValueMisfit(field, value);
  return misfit === undefined ? { value } : refuse(name, `${name}${misfit}`);
}

/** What is wrong with a column's value, to follow the column's name. */
function describeValueMisfit(field: ColumnField, value: unknown): string | undefined {
  if (value === null && !field.isNullable && (field.type !== "Json" || field.isList)) {
    return " cannot be null. Leave it out, or give it a value.";
  }
  // A literal such as 1e999 passes GraphQL's Float as infinity, which no answer can carry.
  if (typeof value === "number" && !Number.isFinite(value)) {
    return " needs a number that is not infinite.";
  }
  const misfit = field.type === "Json" ? describeJsonMisfit(field, value as Json) : undefined;
  return misfit && `: ${misfit}`;
}

/** Of a list, the first item's that cannot be stored. */
function describeJsonMisfit({ isList }: ColumnField, value: Json): string | undefined {
  const items = isList && Array.isArray(value) ? (value as readonly Json[]) : [value];
  return items.map((item) => describeUnstorableJson(item)).find((misfit) => misfit !== undefined);
}

/** A list of ids on create, a change of links on update. */
function parseLinks(models: ModelRegistry, field: RelationField, value: unknown): ParsedMember {
  if (value === null) {
    return refuse(field.name, `${field.name} cannot be null. Leave it out, or give ids.`);
  }
  const given = givenMembers((Array.isArray(value) ? { add: value as unknown } : value) as LinkChange);
  if (Object.keys(given).length === 0) {
    return { value: {} };
  }
  const target = models.get(field.type);
  const misfit = describeLinkMisfit(target, given);
  if (misfit !== undefined) {
    return refuse(field.name, `${field.name}: ${misfit}`);
  }
  const keys = Object.entries(canonicalLinks(target, given)).map(
    ([name, ids]: [string, readonly string[]]) => [
      name,
      ids.map((id): RecordKey => parseRecordKey(target, id)),
    ],
  );
  return { value: Object.fromEntries(keys) as RelationChange };
}

function refuse(field: string, message: string): { readonly problem: RecordProblem } {
  return { problem: { code: "VALIDATION_FAILED", field, message } };
}
