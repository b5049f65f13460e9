import type { Json } from "./json.ts";
import { isStorableText } from "./storable-text.ts";

/** Values nested deeper are refused: what walks through them, here, in Prisma or in PostgreSQL, goes no deeper safely. */
const MAX_JSON_DEPTH = 100;

const BROKEN = "holds a NUL character or half of a character.";

/**
 * Why PostgreSQL cannot keep the value, in words that begin with the place; undefined if it can. A value that is no
 * container has depth 0.
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
  // JSON has no such number, and what writes JSON writes null for it.
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
