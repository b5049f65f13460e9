/** PostgreSQL's names of Prisma's native types, where they differ by more than upper case. */
const NAMES: Readonly<Record<string, string>> = {
  Char: "character",
  VarChar: "character varying",
  VarBit: "bit varying",
  DoublePrecision: "double precision",
  Decimal: "numeric",
  ByteA: "bytea",
};

/** Types with a zone, or without, in their name. Its place is behind the precision. */
const ZONES: Readonly<Record<string, readonly [name: string, zone: string]>> = {
  Timestamp: ["timestamp", " without time zone"],
  Timestamptz: ["timestamp", " with time zone"],
  Time: ["time", " without time zone"],
  Timetz: ["time", " with time zone"],
};

/** A native type of the Prisma schema (`VarChar(2)`) as PostgreSQL writes it: `character varying(2)`. */
export function postgresType(native: string): string {
  const [, name = native, size = ""] = /^(\w+)(\(.*\))?$/.exec(native) ?? [];
  const [zoned, zone = ""] = ZONES[name] ?? [];
  return `${zoned ?? NAMES[name] ?? name.toLowerCase()}${name === "Char" && size === "" ? "(1)" : size}${zone}`;
}
