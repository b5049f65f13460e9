import type { Json } from "./json.ts";
import { isStorableText } from "./storable-text.ts";

/** The deepest nesting that this code, Prisma and PostgreSQL can all walk through safely. */
const MAX_JSON_DEPTH = 100;

const BROKEN = "holds a NUL character or half of a character.";

/**
 * Why PostgreSQL cannot store the value, in words that begin with the place; undefined if it can.
 * @param path of the value, such as `tags.0`; empty for the whole
 */
export function describeUnstorableJson(value: Json, path = "", depth = 0): string | undefined {
  if (typeof value !== "object" || value === null) {
    const problem = describeUnstorableLeaf(value);
    return problem === undefined ? undefined : `${path === "" ? "it" : path} ${problem}`;
  }
  return depth === MAX_JSON_DEPTH
    ? `it is nested deeper than ${MAX_JSON_DEPTH} levels.`
    : describeUnstorableMember(value, path, depth + 1);
}

function describeUnstorableLeaf(value: Json): string | undefined {
  if (typeof value === "string") {
    return isStorableText(value) ? undefined : BROKEN;
  }
  // JSON has no such number: it would be written as null.
  const isInfinite = typeof value === "number" && !Number.isFinite(value);
  return isInfinite ? "is a number that is not finite, or too great." : undefined;
}

function describeUnstorableMember(
  container: readonly Json[] | { readonly [key: string]: Json },
  path: string,
  depth: number,
): string | undefined {
  for (const [key, member] of Object.entries(container) as readonly [string, Json][]) {
    if (!isStorableText(key)) {
      return path === "" ? `a key ${BROKEN}` : `a key of ${path} ${BROKEN}`;
    }
    const problem = describeUnstorableJson(member, path === "" ? key : `${path}.${key}`, depth);
    if (problem !== undefined) {
      return problem;
    }
  }
  return undefined;
}
