/** The parts of a Prisma schema that the generated code lacks, read from the schema's text. */
export interface SchemaText {
  /** The function call of a field's default, without blanks: `uuid(7)`; undefined if there is none. */
  defaultCall(model: string, field: string): string | undefined;
  /** The fields that a relation's foreign key refers to; undefined on the side without the foreign key. */
  references(model: string, field: string): readonly string[] | undefined;
  /** The database's names of an enum's values, only of those with `@map`. */
  labels(enumName: string): Readonly<Record<string, string>>;
}

/** String literals and comments. Prisma's string literals are on one line. */
const TEXTS_AND_COMMENTS = /"(?:[^"\\\n]|\\.)*"|\/\/.*|\/\*[\s\S]*?\*\//g;
const BLOCKS = /^[ \t]*(model|enum)\s+(\w+)\s*\{([^}]*)\}/gm;
/** Up to the call's end; further arguments of `@default`, such as the constraint's name, may follow. */
const DEFAULT_CALL = /@default\(\s*(?:value\s*:)?\s*(\w+\([^()]*\))/;
const REFERENCES = /@relation\([^)]*\breferences\s*:\s*\[([^\]]*)\]/;
const MAPPED_TO = /\s@map\(\s*(?:name\s*:)?\s*"(\d+)"/;

/**
 * Reads a schema that `prisma generate` has accepted, so its syntax is valid. Ignores everything else in it. In a valid
 * schema every field and every enum value is on one line, with all of its attributes.
 */
export function readSchemaText(text: string): SchemaText {
  // Replaces string literals with numbers, so that brackets and words in them are not parsed.
  const texts: string[] = [];
  const bare = text.replace(TEXTS_AND_COMMENTS, (found) =>
    found.startsWith('"') ? `"${texts.push(found) - 1}"` : "",
  );
  const blocks = [...bare.matchAll(BLOCKS)].map(([, kind = "", name = "", body = ""]) => ({
    kind,
    name,
    body,
  }));
  const models = new Map(
    blocksOf("model", blocks, (line) => DEFAULT_CALL.exec(line)?.[1]?.replace(/\s+/g, "")),
  );
  const relations = new Map(
    blocksOf("model", blocks, (line) => REFERENCES.exec(line)?.[1]?.replaceAll(/\s/g, "")),
  );
  const enums = new Map(blocksOf("enum", blocks, (line) => texts[Number(MAPPED_TO.exec(line)?.[1])]));
  return {
    defaultCall: (model, field) => models.get(model)?.get(field),
    references: (model, field) => relations.get(model)?.get(field)?.split(","),
    labels: (enumName) =>
      // Prisma's string literals have JSON's syntax.
      Object.fromEntries(
        [...(enums.get(enumName) ?? [])].map(([name, label]) => [name, JSON.parse(label) as string]),
      ),
  };
}

interface Block {
  readonly kind: string;
  readonly name: string;
  readonly body: string;
}

/** The result of `read` for each line, by block and by the line's name. Lines without a result are left out. */
function blocksOf(
  kind: string,
  blocks: readonly Block[],
  read: (line: string) => string | undefined,
): readonly (readonly [block: string, found: ReadonlyMap<string, string>])[] {
  return blocks
    .filter((block) => block.kind === kind)
    .map(({ name, body }) => [
      name,
      new Map(
        namedLines(body).flatMap(([lineName, line]) => {
          const found = read(line);
          return found === undefined ? [] : [[lineName, found] as const];
        }),
      ),
    ]);
}

/** The lines of fields and enum values, which begin with their name. Other lines are attributes of the block (`@@`). */
function namedLines(body: string): readonly (readonly [name: string, line: string])[] {
  return body.split("\n").flatMap((line) => {
    const name = /^\s*(\w+)/.exec(line)?.[1];
    return name === undefined ? [] : [[name, line] as const];
  });
}
