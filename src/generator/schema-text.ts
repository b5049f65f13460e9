/** The parts of a Prisma schema that Prisma's data model lacks, read from the schema's text. */
export interface SchemaText {
  readonly relationMode: "foreignKeys" | "prisma";
  /** The names of the views. */
  readonly views: ReadonlySet<string>;
  /** The required fields of a model without a default that Prisma's client does not know: `Unsupported` and `@ignore`d ones. */
  unwritable(model: string): readonly string[];
  /** The database schema of an enum (`@@schema`). */
  schemaOfEnum(name: string): string | undefined;
}

/** String literals and comments. Prisma's string literals are on one line. */
const TEXTS_AND_COMMENTS = /"(?:[^"\\\n]|\\.)*"|\/\/.*|\/\*[\s\S]*?\*\//g;
const BLOCKS = /^[ \t]*(\w+)\s+(\w+)\s*\{([^}]*)\}/gm;
/** A field's name, its type, and what follows. `Unsupported("point")?` has its brackets and its text. */
const FIELD = /^\s*(\w+)\s+(\w+(?:\([^)]*\))?)(\[\]|\?)?(.*)$/;
const IN_SCHEMA = /^\s*@@schema\(\s*(?:map\s*:)?\s*"(\d+)"/m;
const RELATION_MODE = /^\s*relationMode\s*=\s*"(\d+)"/m;

/**
 * Reads a schema that Prisma has accepted, so its syntax is valid. Ignores everything else in it. In a valid schema every
 * field is on one line, with all of its attributes.
 */
export function readSchemaText(text: string): SchemaText {
  // Replaces string literals with numbers, so that brackets and words in them are not parsed.
  const texts: string[] = [];
  const bare = text.replace(TEXTS_AND_COMMENTS, (found) =>
    found.startsWith('"') ? `"${texts.push(found) - 1}"` : "",
  );
  /** The literal that the pattern finds; Prisma's have JSON's syntax. */
  const literalIn = (body: string, pattern: RegExp): string | undefined => {
    const literal = texts[Number(pattern.exec(body)?.[1])];
    return literal === undefined ? undefined : (JSON.parse(literal) as string);
  };
  const blocks = [...bare.matchAll(BLOCKS)].map(([, kind = "", name = "", body = ""]) => ({
    kind,
    name,
    body,
  }));
  const bodiesOf = (...kinds: readonly string[]): ReadonlyMap<string, string> =>
    new Map(blocks.filter(({ kind }) => kinds.includes(kind)).map(({ name, body }) => [name, body]));
  const models = bodiesOf("model", "view");
  const enums = bodiesOf("enum");
  const [datasource = ""] = bodiesOf("datasource").values();
  return {
    relationMode: literalIn(datasource, RELATION_MODE) === "prisma" ? "prisma" : "foreignKeys",
    views: new Set(bodiesOf("view").keys()),
    unwritable: (model) => (models.get(model) ?? "").split("\n").flatMap(unwritableField),
    schemaOfEnum: (name) => literalIn(enums.get(name) ?? "", IN_SCHEMA),
  };
}

function unwritableField(line: string): readonly string[] {
  const [, name = "", type = "", arity, attributes = ""] = FIELD.exec(line) ?? [];
  const isUnknown = type.startsWith("Unsupported(") || /@ignore\b/.test(attributes);
  return isUnknown && arity === undefined && !/@default\(/.test(attributes) ? [name] : [];
}
