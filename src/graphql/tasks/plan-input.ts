import { firstFree, isApiName, plainName } from "../../core/records/api-name.ts";
import type { Json } from "../../kernel/json.ts";
import { capitalized } from "../models/model-names.ts";
import type { JsonSchema, Unfolded } from "./json-schema.ts";
import { isAnything, resolveReference, textsOf, unfold } from "./json-schema.ts";
import type { ScalarName } from "./scalar-input.ts";
import { describeDemands, fitsScalar, scalarOf } from "./scalar-input.ts";

/** The type of a value in GraphQL. Named types have a suffix only: the task's name in the API is chosen later. */
export type InputType =
  | { readonly kind: "SCALAR"; readonly name: ScalarName }
  | { readonly kind: "ENUM"; readonly suffix: string }
  | { readonly kind: "OBJECT"; readonly suffix: string }
  | { readonly kind: "LIST"; readonly item: InputType; readonly isItemNullable: boolean };

/** How GraphQL takes one value. */
export interface InputValue {
  readonly type: InputType;
  /** Whether null may be given, or the value left out. */
  readonly isNullable: boolean;
  readonly description: string;
  /** What stands for a value that is left out. */
  readonly defaultValue?: Json;
}

/** An enum, or an input object with its members by name. */
export type NamedInput = { readonly suffix: string; readonly description: string } & (
  | {
      readonly kind: "ENUM";
      readonly values: readonly string[];
      /** In their order. Default: they have none */
      readonly valueDescriptions?: readonly string[] | undefined;
    }
  | { readonly kind: "OBJECT"; readonly members: Readonly<Record<string, InputValue>> }
);

/** How GraphQL takes a task's input. */
export interface InputPlan {
  readonly root: InputValue;
  /** The named types that it uses, each once. */
  readonly types: readonly NamedInput[];
}

/** The suffix of the type of a whole input. */
const ROOT_SUFFIX = "Input";

/**
 * Plans how GraphQL takes the values of a JSON Schema. It takes every value that the schema takes, or more, and hands it on as
 * it was given; only moments are written in UTC. What GraphQL cannot express is JSON: records with free keys, unions,
 * tuples, names that are none in GraphQL. The descriptions say so.
 */
export function planInput(schema: JsonSchema): InputPlan {
  const plan: Plan = { schema, types: new Map(), suffixes: new Set(), parts: new Map() };
  const root = planReference(plan, "#", ROOT_SUFFIX);
  return { root, types: [...plan.types.values()] };
}

/** A plan in the making. */
interface Plan {
  readonly schema: JsonSchema;
  readonly types: Map<string, NamedInput>;
  readonly suffixes: Set<string>;
  /** The parts of the schema that are referred to, by pointer. */
  readonly parts: Map<string, PlannedPart>;
}

/** A part of the schema; while it is being planned, only the type of an object is known. */
interface PlannedPart {
  value?: InputValue;
  type?: InputType;
}

/** Where a value stands. */
interface Place {
  /** For the name of its type, if it needs one. */
  readonly suffix: string;
  /** The part of the schema that it is, if it is one. */
  readonly part?: PlannedPart;
}

function planValue(plan: Plan, schema: JsonSchema | boolean | undefined, place: Place): InputValue {
  const unfolded = unfold(schema);
  const { shape, isNullable } = unfolded;
  const { description = "", $ref: pointer } = shape;
  if (pointer !== undefined) {
    const referred = planReference(plan, pointer, place.suffix);
    return {
      ...referred,
      isNullable: isNullable || referred.isNullable,
      ...(description === "" ? {} : { description }),
    };
  }
  const texts = textsOf(shape);
  if (texts !== undefined) {
    return planTexts(plan, unfolded, texts, place);
  }
  const scalar = scalarOf(shape);
  if (scalar !== undefined) {
    const words = join(description, describeDemands(shape));
    return { type: { kind: "SCALAR", name: scalar }, isNullable, description: words };
  }
  return planContainer(plan, unfolded, place);
}

function planContainer(plan: Plan, unfolded: Unfolded, place: Place): InputValue {
  const { shape } = unfolded;
  if (isAnything(shape)) {
    return asJson(unfolded, "");
  }
  const reason = reasonOf(shape);
  if (reason !== undefined) {
    return asJson(unfolded, reason);
  }
  return isObject(shape) ? planObject(plan, unfolded, place) : planList(plan, unfolded, place);
}

function isObject({ type, properties }: JsonSchema): boolean {
  return type === "object" || (type === undefined && properties !== undefined);
}

function isList({ type, items }: JsonSchema): boolean {
  return type === "array" || (type === undefined && items !== undefined);
}

/** A part of the schema, planned once; it may lead back to itself. */
function planReference(plan: Plan, pointer: string, suffix: string): InputValue {
  const known = plan.parts.get(pointer);
  if (known?.value !== undefined) {
    return known.value;
  }
  if (known?.type !== undefined) {
    // Nullable: an object that had to hold another one of its kind would have no end.
    return { type: known.type, isNullable: true, description: "" };
  }
  const found = resolveReference(plan.schema, pointer);
  if (known !== undefined || found === undefined) {
    return asJson({ shape: {}, isNullable: true }, `no type for the reference ${pointer}`);
  }
  const part: PlannedPart = {};
  plan.parts.set(pointer, part);
  const own = found.name === undefined ? suffix : `${ROOT_SUFFIX}${capitalized(plainName(found.name))}`;
  part.value = planValue(plan, found.schema, { suffix: own, part });
  return part.value;
}

/** An enum, if its values can be names in GraphQL; else text. */
function planTexts(
  plan: Plan,
  { shape, isNullable }: Unfolded,
  texts: readonly string[],
  place: Place,
): InputValue {
  const { description = "" } = shape;
  if (!texts.every((text) => isApiName(text) && !["true", "false", "null"].includes(text))) {
    const words = join(description, `One of ${listed(texts)}.`);
    return { type: { kind: "SCALAR", name: "String" }, isNullable, description: words };
  }
  const suffix = takeSuffix(plan, place.suffix);
  const { enumDescriptions: valueDescriptions } = shape;
  plan.types.set(suffix, { kind: "ENUM", suffix, description, values: texts, valueDescriptions });
  return { type: { kind: "ENUM", suffix }, isNullable, description };
}

function planObject(plan: Plan, { shape, isNullable }: Unfolded, place: Place): InputValue {
  const { properties = {}, required = [], description = "" } = shape;
  const suffix = takeSuffix(plan, place.suffix);
  const type: InputType = { kind: "OBJECT", suffix };
  if (place.part !== undefined) {
    place.part.type = type;
  }
  // Its place comes before those of its members.
  plan.types.set(suffix, { kind: "OBJECT", suffix, description, members: {} });
  const members = Object.entries(properties).map(([name, member]): [string, InputValue] => {
    const value = planValue(plan, member, { suffix: `${suffix}${capitalized(name)}` });
    return [name, required.includes(name) ? value : planOptional(plan, member, value)];
  });
  plan.types.set(suffix, { kind: "OBJECT", suffix, description, members: Object.fromEntries(members) });
  return { type, isNullable, description };
}

/** A member that may be left out: with its default, if GraphQL can fill that in. */
function planOptional(plan: Plan, schema: JsonSchema | boolean, value: InputValue): InputValue {
  const given = typeof schema === "object" ? schema.default : undefined;
  if (given === undefined) {
    return { ...value, isNullable: true };
  }
  return fits(plan, value, given)
    ? { ...value, defaultValue: given }
    : {
        ...value,
        isNullable: true,
        description: join(value.description, `Default: ${JSON.stringify(given)}.`),
      };
}

/** Whether GraphQL takes the value as it is. Objects are left to the schema. */
function fits(
  plan: Plan,
  { type, isNullable }: Pick<InputValue, "type" | "isNullable">,
  value: Json,
): boolean {
  if (value === null) {
    return isNullable;
  }
  switch (type.kind) {
    case "SCALAR":
      return fitsScalar(type.name, value);
    case "LIST": {
      const { item, isItemNullable } = type;
      return (
        Array.isArray(value) &&
        value.every((one: Json) => fits(plan, { type: item, isNullable: isItemNullable }, one))
      );
    }
    case "ENUM": {
      const named = plan.types.get(type.suffix);
      return named?.kind === "ENUM" && named.values.some((name) => name === value);
    }
    case "OBJECT":
      return false;
  }
}

function planList(plan: Plan, { shape, isNullable }: Unfolded, place: Place): InputValue {
  const item = planValue(plan, shape.items as JsonSchema | boolean | undefined, { suffix: place.suffix });
  const isNamed = item.type.kind === "ENUM" || item.type.kind === "OBJECT";
  return {
    type: { kind: "LIST", item: item.type, isItemNullable: item.isNullable },
    isNullable,
    // What a named type is, its own description says.
    description: join(shape.description ?? "", describeDemands(shape), isNamed ? "" : each(item.description)),
  };
}

function each(description: string): string {
  return description === "" ? "" : `Each: ${description}`;
}

/** What GraphQL has no type for, in words; undefined where it has one. */
function reasonOf(shape: JsonSchema): string | undefined {
  if (shape.enum !== undefined) {
    return `no type for ${listed(shape.enum)}`;
  }
  if (shape.anyOf !== undefined || Array.isArray(shape.type)) {
    return "no unions of inputs";
  }
  if (shape.allOf !== undefined) {
    return "no intersections";
  }
  if (isList(shape)) {
    return shape.prefixItems !== undefined || Array.isArray(shape.items) ? "no tuples" : undefined;
  }
  return isObject(shape) ? reasonOfObject(shape) : `no type ${String(shape.type)}`;
}

function reasonOfObject(shape: JsonSchema): string | undefined {
  const { properties, additionalProperties = false, patternProperties } = shape;
  if (additionalProperties !== false || patternProperties !== undefined || properties === undefined) {
    return "no records with free keys";
  }
  const names = Object.keys(properties);
  if (names.length === 0) {
    return "no inputs without members";
  }
  const foreign = names.find((name) => !isApiName(name));
  return foreign === undefined ? undefined : `no member of the name ${JSON.stringify(foreign)}`;
}

/** @param reason what GraphQL has no type for; empty where any JSON is meant */
function asJson({ shape, isNullable }: Unfolded, reason: string | undefined): InputValue {
  const { description = "" } = shape;
  return {
    type: { kind: "SCALAR", name: "JSON" },
    isNullable,
    description: reason ? join(description, `As JSON: GraphQL has ${reason}.`) : description,
  };
}

function takeSuffix(plan: Plan, wanted: string): string {
  const suffix = firstFree(wanted, (candidate) => !plan.suffixes.has(candidate));
  plan.suffixes.add(suffix);
  return suffix;
}

/** `"a", "b"` */
function listed(values: readonly Json[]): string {
  return values.map((value) => JSON.stringify(value)).join(", ");
}

/** Sentences, one after the other. */
function join(...sentences: readonly string[]): string {
  return sentences
    .filter((sentence) => sentence !== "")
    .map((sentence) => (/[.!?:]$/.test(sentence) ? sentence : `${sentence}.`))
    .join(" ");
}
