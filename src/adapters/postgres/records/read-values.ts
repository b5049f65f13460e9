import type { ColumnField } from "../../../core/records/model.ts";
import type { ColumnShape } from "./table-shape.ts";

/** How a column's values come from the database, and become what Prisma's client makes of them. */
export interface ValueReading {
  /** The value in SQL. */
  readonly sql: string;
  /** @param value never null. Undefined for values that need no change */
  readonly decode: ((value: unknown) => unknown) | undefined;
  /** What stands for null. */
  readonly ifNull: null | readonly never[];
}

/** What becomes of a value as the database sent it. */
export function valueOf({ decode, ifNull }: Omit<ValueReading, "sql">, sent: unknown): unknown {
  return sent === null ? ifNull : decode === undefined ? sent : decode(sent);
}

/** Makes Prisma's Decimal of a text. */
export type ToDecimal = (text: string) => unknown;

/** Reads the values as a column of the statement: the driver passes on the texts that PostgreSQL sends. */
export function readAsText(shape: ColumnShape, column: string, toDecimal: ToDecimal): ValueReading {
  const { field } = shape;
  const inJson = readInJson(shape, column, toDecimal);
  const { decode } = inJson;
  if (field.isList) {
    const parse = (text: unknown): unknown => JSON.parse(text as string);
    return {
      ...inJson,
      sql: `to_json(${inJson.sql})`,
      decode: decode === undefined ? parse : (text) => decode(parse(text)),
    };
  }
  switch (field.type) {
    case "Int":
    case "Float":
      return { ...inJson, sql: column, decode: Number };
    case "Boolean":
      return { ...inJson, sql: column, decode: (text) => text === "t" };
    case "Json":
      return { ...inJson, sql: column, decode: (text) => JSON.parse(text as string) as unknown };
    case "DateTime":
      // JSON has times in ISO 8601, whatever the session's DateStyle; in quotes.
      return {
        ...inJson,
        sql: `to_json(${column})`,
        decode: (text) => decode?.((text as string).slice(1, -1)),
      };
    default:
      return inJson;
  }
}

/** Reads the values as parts of a JSON text. */
export function readInJson(shape: ColumnShape, column: string, toDecimal: ToDecimal): ValueReading {
  const { field } = shape;
  const decode = decoderOf(shape, toDecimal);
  if (!field.isList) {
    return { sql: exactInJson(shape, column), decode, ifNull: null };
  }
  return {
    sql: exactListInJson(shape, column),
    decode:
      decode &&
      ((items) => (items as readonly unknown[]).map((item) => (item === null ? null : decode(item)))),
    // The API shows a list that was never set as empty, as Prisma does.
    ifNull: [],
  };
}

/** JSON numbers lose digits, so they are sent as texts where that matters. */
function exactInJson({ field: { type }, nativeType }: ColumnShape, column: string): string {
  switch (type) {
    case "BigInt":
      return `${column}::text`;
    case "Decimal":
      return nativeType.startsWith("money") ? `${column}::numeric::text` : `${column}::text`;
    case "Bytes":
      return `encode(${column}, 'base64')`;
    default:
      return column;
  }
}

function exactListInJson({ field: { type }, nativeType }: ColumnShape, column: string): string {
  switch (type) {
    case "BigInt":
      return `${column}::text[]`;
    case "Decimal":
      return nativeType.startsWith("money") ? `${column}::numeric[]::text[]` : `${column}::text[]`;
    case "Bytes":
      return `CASE WHEN ${column} IS NOT NULL THEN ARRAY(SELECT encode(item, 'base64') FROM unnest(${column}) AS item) END`;
    default:
      return column;
  }
}

/** What becomes of one value, or one item of a list, as JSON has it. */
function decoderOf({ field, nativeType }: ColumnShape, toDecimal: ToDecimal): ValueReading["decode"] {
  if (field.kind === "enum") {
    return enumDecoder(field);
  }
  switch (field.type) {
    // Some numbers are texts in JSON: oids, NaN, infinity.
    case "Int":
    case "Float":
      return (value) => (typeof value === "number" ? value : Number(value));
    case "BigInt":
      return (text) => BigInt(text as string);
    case "Decimal":
      return (text) => toDecimal(text as string);
    case "Bytes":
      return (text) => new Uint8Array(Buffer.from(text as string, "base64"));
    case "DateTime":
      return momentDecoder(nativeType);
    case "String":
    case "Boolean":
    case "Json":
      return undefined;
  }
}

function enumDecoder(field: Extract<ColumnField, { kind: "enum" }>): ValueReading["decode"] {
  const names = new Map(Object.entries(field.labels ?? {}).map(([name, label]) => [label, name]));
  return names.size === 0 ? undefined : (label) => names.get(label as string) ?? label;
}

/** Moments to the millisecond; a column without a time zone holds UTC. */
function momentDecoder(nativeType: string): (text: unknown) => Date {
  if (nativeType.startsWith("timestamp")) {
    const zone = nativeType.includes("without time zone") ? "Z" : "";
    return (text) => new Date(`${text as string}${zone}`);
  }
  if (nativeType.startsWith("time")) {
    // Prisma leaves out the zone of a time of day.
    return (text) => new Date(`1970-01-01T${(text as string).replace(/[+-].*$/, "")}Z`);
  }
  return (text) => new Date(text as string);
}
