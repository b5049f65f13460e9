import type { DefinedTask } from "../../core/tasks/define-task.ts";
import type { Json } from "../../kernel/json.ts";
import type { NamedTask } from "../models/choose-names.ts";
import type { JsonSchema } from "./json-schema.ts";
import { jsonSchemaOf } from "./json-schema.ts";
import type { InputPlan } from "./plan-input.ts";
import { planInput } from "./plan-input.ts";

/** A task of the app's own, as the API shows it. */
export interface LaunchableTask {
  readonly kind: string;
  readonly description: string | undefined;
  readonly isDryRunnable: boolean;
  /** How its mutation takes the input: as an argument, or not at all, since there is only one input. */
  readonly input:
    | { readonly kind: "ARGUMENT"; readonly plan: InputPlan }
    | { readonly kind: "NONE"; readonly value: Json };
  /** The shape of its input; undefined where there is none, or where its library does not tell. */
  readonly inputSchema: JsonSchema | undefined;
}

/** Reads the shape of a definition's input. */
export function launchableTask(definition: DefinedTask): LaunchableTask {
  const { kind, description, isDryRunnable = false, input } = definition;
  const task = { kind, description, isDryRunnable };
  if (input === undefined) {
    return { ...task, input: { kind: "NONE", value: null }, inputSchema: undefined };
  }
  const read = jsonSchemaOf(input);
  if ("reason" in read) {
    return { ...task, input: { kind: "ARGUMENT", plan: anyInput(read.reason) }, inputSchema: undefined };
  }
  const inputSchema = read.value;
  return isEmptyObject(inputSchema)
    ? { ...task, input: { kind: "NONE", value: {} }, inputSchema }
    : { ...task, input: { kind: "ARGUMENT", plan: planInput(inputSchema) }, inputSchema };
}

function anyInput(reason: string): InputPlan {
  const description = `As JSON: ${reason}.`;
  return { root: { type: { kind: "SCALAR", name: "JSON" }, isNullable: false, description }, types: [] };
}

/** GraphQL has no input objects without members. */
function isEmptyObject({ type, properties, additionalProperties = false }: JsonSchema): boolean {
  return (
    type === "object" &&
    properties !== undefined &&
    Object.keys(properties).length === 0 &&
    additionalProperties === false
  );
}

/** The task, as far as names go. */
export function namedTask({ kind, input }: LaunchableTask): NamedTask {
  return { kind, suffixes: input.kind === "NONE" ? [] : input.plan.types.map(({ suffix }) => suffix) };
}
