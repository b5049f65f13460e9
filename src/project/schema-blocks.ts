/** A block of a Prisma schema file: `generator client { … }`. */
export interface SchemaBlock {
  /** `generator`, `datasource`, `model`, `enum`, `view`, `type`. */
  readonly keyword: string;
  readonly name: string;
  /** The lines `name = value`, with the values as they are written, without quotes around a text. */
  readonly settings: ReadonlyMap<string, string>;
  /** Where the block's closing bracket ends in the file. */
  readonly end: number;
}

/** String literals and comments. Prisma's string literals are on one line. */
const TEXTS_AND_COMMENTS = /"(?:[^"\\\r\n]|\\.)*"|\/\/[^\r\n]*|\/\*[\s\S]*?\*\//g;
const BLOCKS = /^\uFEFF?[ \t]*(\w+)[ \t]+(\w+)[ \t]*\{([^}]*)\}/gm;
const SETTING = /^[ \t]*(\w+)[ \t]*=[ \t]*(.*?)[ \t]*$/gm;

/** The blocks of a Prisma schema file, in order. Models and enums are found by keyword and name only. */
export function readBlocks(text: string): readonly SchemaBlock[] {
  // Blanks of the same length, so that brackets in texts and comments do not count and positions stay.
  const bare = text.replace(TEXTS_AND_COMMENTS, (found) => " ".repeat(found.length));
  const uncommented = text.replace(TEXTS_AND_COMMENTS, (found) =>
    found.startsWith('"') ? found : " ".repeat(found.length),
  );
  return [...bare.matchAll(BLOCKS)].map((match) => {
    const [all, keyword = "", name = "", body = ""] = match;
    const end = match.index + all.length;
    const lines = uncommented.slice(end - 1 - body.length, end - 1).replaceAll("\r\n", "\n");
    const settings = [...lines.matchAll(SETTING)].map(
      ([, key = "", value = ""]) => [key, unquote(value)] as const,
    );
    return { keyword, name, settings: new Map(settings), end };
  });
}

function unquote(value: string): string {
  return /^".*"$/.test(value) ? (JSON.parse(value) as string) : value;
}

/** The line ends of a text: those of its first line, and LF where there is only one. */
export function lineEndOf(text: string): "\n" | "\r\n" {
  return /\r?\n/.exec(text)?.[0] === "\r\n" ? "\r\n" : "\n";
}

/**
 * Adds blocks behind the last generator of a Prisma schema file, or else behind its datasource. Every other byte of the file
 * stays as it is.
 * @param blocks the lines of each new block
 */
export function addGenerators(text: string, blocks: readonly (readonly string[])[]): string {
  const known = readBlocks(text);
  const last =
    known.findLast(({ keyword }) => keyword === "generator") ??
    known.findLast(({ keyword }) => keyword === "datasource");
  const eol = lineEndOf(text);
  const added = blocks.map((lines) => lines.join(eol)).join(eol + eol);
  if (last === undefined) {
    return `${text}${text === "" || text.endsWith("\n") ? "" : eol}${text === "" ? "" : eol}${added}${eol}`;
  }
  // A comment may follow on the bracket's line.
  const rest = text.slice(last.end);
  const position = last.end + (/\r?\n|$/.exec(rest)?.index ?? rest.length);
  return `${text.slice(0, position)}${eol}${eol}${added}${text.slice(position)}`;
}
