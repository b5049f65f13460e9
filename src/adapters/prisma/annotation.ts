import { nearestName } from "../../kernel/nearest-name.ts";

/** A documentation comment (`///`) of a Prisma schema, and what it says to powercrud. */
export interface AnnotatedComment {
  /** The comment without annotations; undefined if nothing is left. */
  readonly documentation: string | undefined;
  /** The members of its annotations: `@powercrud(isExposed: false)`. */
  readonly members: Readonly<Record<string, boolean>>;
  /** What is wrong with the annotations, as sentences. */
  readonly problems: readonly string[];
}

const NAME = "powercrud";
const EXAMPLE = `@${NAME}(isExposed: false)`;

/** A word with `@` in front, as other generators have them, too, with its parentheses if it has any. */
const ANNOTATION = /(?<=^|\s)(@+[A-Za-z][\w./-]*)(\s*\([^)]*\)?)?/g;

/**
 * Reads the annotations of a comment. Those of other generators stay in the documentation; those that look like a
 * misspelt one of ours are problems, since a field that was to be hidden must not be shown.
 * @param known the members that may be set here
 */
export function readAnnotations(documentation = "", known: readonly string[]): AnnotatedComment {
  const members: Record<string, boolean> = {};
  const problems: string[] = [];
  const rest = documentation.replace(ANNOTATION, (whole, word: string, parentheses = "") => {
    const text = whole.replaceAll(/\s+/g, " ");
    if (word !== `@${NAME}`) {
      if (isMisspelt(word)) {
        problems.push(`"${text}" is not an annotation. Did you mean ${EXAMPLE}?`);
      }
      return whole;
    }
    problems.push(...readMembers(text, parentheses.trim(), known, members));
    return "";
  });
  const lines = rest.split("\n").map((line) => line.trim());
  const left = rest === documentation ? documentation : lines.filter((line) => line !== "").join("\n");
  return { documentation: left === "" ? undefined : left, members, problems };
}

/** Whether the word means us, such as `@PowerCrud`, `@powercrud.hide` or `@@powercrud`. */
function isMisspelt(word: string): boolean {
  const [head = ""] = word.replace(/^@+/, "").toLowerCase().split(/[./]/);
  return head === NAME || nearestName(head.replaceAll(/[-_]/g, ""), [NAME]) === NAME;
}

/** Adds the members in the parentheses. @returns the problems */
function readMembers(
  text: string,
  parentheses: string,
  known: readonly string[],
  members: Record<string, boolean>,
): readonly string[] {
  const inside = /^\(([^)]*)\)$/.exec(parentheses)?.[1]?.trim();
  if (inside === undefined || inside === "") {
    return [`"${text}" names no member. Write it like ${EXAMPLE}.`];
  }
  return inside.split(",").flatMap((part) => {
    const [, name = "", value = ""] = /^\s*(\w+)\s*:\s*(.*?)\s*$/s.exec(part) ?? [];
    if (name === "") {
      return [`"${part.trim()}" in "${text}" is no member with a value. Write it like ${EXAMPLE}.`];
    }
    if (!known.includes(name)) {
      return [`"${text}" has no member "${name}" here. ${adviceFor(name, known)}`];
    }
    if (members[name] !== undefined) {
      return [`"${name}" is given twice.`];
    }
    if (value !== "true" && value !== "false") {
      return [`"${name}" in "${text}" is true or false, not "${value}".`];
    }
    members[name] = value === "true";
    return [];
  });
}

/** Names the member that was meant, or else all. */
function adviceFor(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? `Known: ${known.join(", ")}.` : `Did you mean "${nearest}"?`;
}
