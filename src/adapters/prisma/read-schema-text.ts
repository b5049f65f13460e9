/** What the generated code does not tell of a Prisma schema, read from its text. */
export interface SchemaText {
  /** The call that makes a field's default, without blanks: `uuid(7)`; undefined where there is none. */
  defaultCall(model: string, field: string): string | undefined;
  /** The fields that a relation's foreign key refers to; undefined on the side that has none. */
  references(model: string, field: string): readonly string[] | undefined;
  /** The database's names of those of an enum's values for which it has another (`@map`). */
  labels(enumName: string): Readonly<Record<string, string>>;
}

/** Texts, which may hold anything, and comments. Prisma has no texts of several lines. */
const TEXTS_AND_COMMENTS = /"(?:[^"\\\n]|\\.)*"|\/\/.*|\/\*[\s\S]*?\*\//g;
const BLOCKS = /^[ \t]*(model|enum)\s+(\w+)\s*\{([^}]*)\}/gm;
/** Up to the call's end; arguments of `@default` itself, such as the constraint's name, may follow. */
const DEFAULT_CALL = /@default\(\s*(?:value\s*:)?\s*(\w+\([^()]*\))/;
const REFERENCES = /@relation\([^)]*\breferences\s*:\s*\[([^\]]*)\]/;
const MAPPED_TO = /\s@map\(\s*(?:name\s*:)?\s*"(\d+)"/;

/**
 * Reads a schema that `prisma generate` has taken, so it is known to be sound; what is not understood counts as not
 * there. In such a schema every field and every enum value stands on a line of its own, with all of its attributes.
 */
export function readSchemaText(text: string): SchemaText {
  // Texts are put aside, so that brackets and words in them mean nothing.
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
      // Prisma writes texts as JSON does.
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

/** What the lines of the blocks of a kind tell, by block and name. */
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

/** Lines of fields and values begin with their name; those of blocks' own attributes with `@@`. */
function namedLines(body: string): readonly (readonly [name: string, line: string])[] {
  return body.split("\n").flatMap((line) => {
    const name = /^\s*(\w+)/.exec(line)?.[1];
    return name === undefined ? [] : [[name, line] as const];
  });
}
