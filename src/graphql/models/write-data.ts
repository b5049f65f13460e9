import { isAppError } from "../../kernel/app-error.ts";
import type { Model, ModelRegistry, RelationField } from "../../core/records/model.ts";
import type { RecordKey } from "../../core/records/record-key.ts";
import { parseRecordKey } from "../../core/records/record-key.ts";
import type { RecordProblem } from "../../core/records/record-problem.ts";
import type { RecordData } from "../../core/records/record-writer.ts";
import type { RelationChange } from "../../core/records/relation-change.ts";

/** An input as GraphQL hands it over: typed, without a prototype. */
export type DataArgument = Readonly<Record<string, unknown>>;

/** The data to write, or what is wrong with it. */
export type ParsedData = { readonly data: RecordData } | { readonly problems: readonly RecordProblem[] };

/** Checks what GraphQL's types cannot say, and turns ids of links into keys. */
export function parseData(models: ModelRegistry, model: Model, input: DataArgument): ParsedData {
  const problems: RecordProblem[] = [];
  const data: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(input)) {
    const field = model.fields.find((candidate) => candidate.name === name);
    if (value === undefined || field === undefined) {
      continue;
    }
    if (field.kind === "relation") {
      const links = parseLinks(models, field, value);
      problems.push(...("problem" in links ? [links.problem] : []));
      data[name] = "problem" in links ? undefined : links.change;
    } else if (value === null && !field.isNullable && field.type !== "Json") {
      problems.push(problem(name, `${name} cannot be null. Leave it out, or give it a value.`));
    } else if (Array.isArray(value) && field.isList && value.includes(null)) {
      problems.push(problem(name, `${name} cannot hold null.`));
    } else {
      data[name] = value;
    }
  }
  if (Object.keys(input).length === 0) {
    problems.push({ code: "VALIDATION_FAILED", message: "data names no field. Give at least one." });
  }
  return problems.length > 0 ? { problems } : { data };
}

/** A list of ids on create, a change of links on update. */
function parseLinks(
  models: ModelRegistry,
  field: RelationField,
  value: unknown,
): { readonly change: RelationChange } | { readonly problem: RecordProblem } {
  if (value === null) {
    return { problem: problem(field.name, `${field.name} cannot be null. Leave it out, or give ids.`) };
  }
  const { add, remove, set } = (Array.isArray(value) ? { add: value } : value) as Readonly<
    Record<string, readonly string[] | null | undefined>
  >;
  if (set && (add || remove)) {
    return {
      problem: problem(
        field.name,
        `${field.name}: set replaces all links, so give either set, or add and remove.`,
      ),
    };
  }
  const target = models.get(field.type);
  try {
    return {
      change: {
        ...(add ? { add: keysOf(target, add) } : {}),
        ...(remove ? { remove: keysOf(target, remove) } : {}),
        ...(set ? { set: keysOf(target, set) } : {}),
      },
    };
  } catch (error) {
    if (!isAppError(error, "VALIDATION_FAILED")) {
      throw error;
    }
    return { problem: problem(field.name, `${field.name}: ${error.message}`) };
  }
}

function keysOf(target: Model, ids: readonly string[]): readonly RecordKey[] {
  return [...new Set(ids)].map((id) => parseRecordKey(target, id));
}

function problem(field: string, message: string): RecordProblem {
  return { code: "VALIDATION_FAILED", field, message };
}
