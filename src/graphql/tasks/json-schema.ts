import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import type { Json } from "../../kernel/json.ts";

/** A JSON Schema: `true` allows everything, `false` nothing. */
type AnySchema = JsonSchema | boolean;

/** The part of a JSON Schema (2020-12) that tells the shape of a value. What else it demands, only its library checks. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, AnySchema>>;
  readonly definitions?: Readonly<Record<string, AnySchema>>;
  readonly type?: string | readonly string[];
  readonly const?: Json;
  readonly enum?: readonly Json[];
  /** What each of the values means: a custom of editors, not of the standard. */
  readonly enumDescriptions?: readonly string[];
  readonly anyOf?: readonly AnySchema[];
  readonly oneOf?: readonly AnySchema[];
  readonly allOf?: readonly AnySchema[];
  readonly properties?: Readonly<Record<string, AnySchema>>;
  readonly patternProperties?: Readonly<Record<string, AnySchema>>;
  readonly additionalProperties?: AnySchema;
  readonly required?: readonly string[];
  readonly items?: AnySchema | readonly AnySchema[];
  readonly prefixItems?: readonly AnySchema[];
  readonly description?: string;
  readonly default?: Json;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/**
 * What a Standard Schema takes, as JSON Schema; or why its library does not tell, in words. zod tells from 4.2 on; of what
 * JSON has no type for, such as dates, it then says that anything is taken.
 */
export function jsonSchemaOf(
  schema: StandardSchemaV1,
): { readonly value: JsonSchema } | { readonly reason: string } {
  const standard: StandardSchemaV1.Props & Partial<StandardJSONSchemaV1.Props> = schema["~standard"];
  if (standard.jsonSchema === undefined) {
    return { reason: `${standard.vendor} does not tell its shape` };
  }
  try {
    return {
      value: standard.jsonSchema.input({
        target: "draft-2020-12",
        ...(standard.vendor === "zod" ? { libraryOptions: { unrepresentable: "any" } } : {}),
      }),
    };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

/** A schema without what only says that null may be given, too. */
export interface Unfolded {
  readonly shape: JsonSchema;
  readonly isNullable: boolean;
}

/** Takes null out of a schema, and a schema out of a union or an intersection in which it is alone. */
export function unfold(schema: AnySchema | undefined): Unfolded {
  if (typeof schema !== "object" || isAnything(schema)) {
    return { shape: typeof schema === "object" ? schema : {}, isNullable: true };
  }
  const { enum: values, const: constant, ...rest } = schema;
  if (values !== undefined || constant !== undefined) {
    const { kept, isNullable } = withoutNull(values ?? [constant ?? null], (value) => value === null);
    return { shape: { ...rest, enum: kept }, isNullable };
  }
  return unfoldParts(schema) ?? unfoldTypes(schema);
}

function unfoldParts({ anyOf, oneOf, allOf, ...rest }: JsonSchema): Unfolded | undefined {
  const union = oneOf ?? anyOf;
  if (allOf !== undefined) {
    return allOf.length === 1
      ? unfoldOnly(allOf[0], rest, false)
      : { shape: { ...rest, allOf }, isNullable: false };
  }
  if (union === undefined) {
    return undefined;
  }
  const { kept, isNullable } = withoutNull(union, isNull);
  return kept.length === 1
    ? unfoldOnly(kept[0], rest, isNullable)
    : { shape: { ...rest, anyOf: kept }, isNullable };
}

function unfoldTypes(schema: JsonSchema): Unfolded {
  const { type } = schema;
  if (type === undefined || typeof type === "string") {
    return { shape: schema, isNullable: isNull(schema) };
  }
  const { kept, isNullable } = withoutNull(type, (name) => name === "null");
  return { shape: { ...schema, type: kept.length === 1 ? (kept[0] ?? "") : kept }, isNullable };
}

/** @param around what is said beside the schema, and counts more than what it says itself */
function unfoldOnly(only: AnySchema | undefined, around: JsonSchema, isNullable: boolean): Unfolded {
  const inner = unfold(only);
  return { shape: { ...inner.shape, ...around }, isNullable: isNullable || inner.isNullable };
}

function withoutNull<Part>(
  parts: readonly Part[],
  isNullPart: (part: Part) => boolean,
): { readonly kept: readonly Part[]; readonly isNullable: boolean } {
  const kept = parts.filter((part) => !isNullPart(part));
  return { kept, isNullable: kept.length < parts.length };
}

/** The keywords that say something of a value's shape. */
const SHAPE_KEYWORDS = [
  "$ref",
  "type",
  "const",
  "enum",
  "anyOf",
  "oneOf",
  "allOf",
  "properties",
  "items",
] as const;

/** Whether the schema says nothing of a value's shape. */
export function isAnything(schema: JsonSchema): boolean {
  return SHAPE_KEYWORDS.every((keyword) => schema[keyword] === undefined);
}

function isNull(schema: AnySchema): boolean {
  return typeof schema === "object" && (schema.type === "null" || schema.const === null);
}

/** The texts of a schema that takes only these; undefined where it takes other values, too. */
export function textsOf(shape: JsonSchema): readonly string[] | undefined {
  const { enum: values } = shape;
  if (values !== undefined) {
    return values.length > 0 && values.every((value) => typeof value === "string")
      ? [...new Set(values)]
      : undefined;
  }
  const texts = (shape.anyOf ?? shape.oneOf ?? []).map((part) => {
    const inner = unfold(part);
    return inner.isNullable ? undefined : textsOf(inner.shape);
  });
  return texts.length > 0 && texts.every((list) => list !== undefined)
    ? [...new Set(texts.flat())]
    : undefined;
}

/** A part of a schema. */
export interface SchemaPart {
  readonly schema: AnySchema;
  /** Its name among the definitions; undefined for the whole, and for a name that a library has made up. */
  readonly name: string | undefined;
}

/** The part that a reference within the schema names: the whole (`#`), or a definition (`#/$defs/Range`). */
export function resolveReference(schema: JsonSchema, pointer: string): SchemaPart | undefined {
  if (pointer === "#") {
    return { schema, name: undefined };
  }
  const [, room = "", escaped = ""] = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(pointer) ?? [];
  const name = decodeURIComponent(escaped).replaceAll("~1", "/").replaceAll("~0", "~");
  const definitions = room === "definitions" ? schema.definitions : schema.$defs;
  const found = definitions !== undefined && Object.hasOwn(definitions, name) ? definitions[name] : undefined;
  return found === undefined ? undefined : { schema: found, name: name.startsWith("__") ? undefined : name };
}
