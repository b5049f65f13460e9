import type { Claim } from "../../../core/locks/claim.ts";
import { mergeClaims } from "../../../core/locks/claim.ts";
import { sortManyIds } from "../../../core/locks/claim.ts";
import { joinIds } from "../sql/joined-texts.ts";

/** The most ids in one row of `powercrud.lock`. */
const SEGMENT_SIZE = 500;

/** A part of a claim on records. */
interface Segment {
  readonly model: string;
  readonly scope: string;
  readonly ids: readonly string[];
}

/**
 * The parameters of a claim, in the order of segmentsSql() in sql/locks.ts. Lowest and highest ids are by the C collation;
 * of long ones they are bounds.
 * For a whole model, `lowest`, `highest` and `ids` are null.
 */
export type SegmentParameters = readonly [
  models: readonly string[],
  lowest: readonly (string | null)[],
  highest: readonly (string | null)[],
  ids: readonly (string | null)[],
  scopes: readonly string[],
  separator: string,
];

/** Cuts claims into segments with sorted ids, without duplicates. */
export async function toSegments(claims: readonly Claim[]): Promise<SegmentParameters> {
  const merged = mergeClaims(claims);
  const parts = (await Promise.all(merged.map(cut))).flat();
  const wholes = merged.filter(({ ids }) => ids === "all");
  const { texts, separator } = await joinIds(parts.map(({ ids }) => ids));
  const nothing = wholes.map(() => null);
  return [
    [...parts, ...wholes].map(({ model }) => model),
    [...parts.map(({ ids }) => lowerBound(ids[0] ?? "")), ...nothing],
    [...parts.map(({ ids }) => upperBound(ids.at(-1) ?? "")), ...nothing],
    [...texts, ...nothing],
    [...parts, ...wholes].map(({ scope }) => scope ?? ""),
    separator,
  ];
}

/** The most letters of a bound: bounds are in an index, whose rows PostgreSQL limits to 2,704 bytes. */
const BOUND_LENGTH = 200;
const LAST_LETTER = 0x10ffff;
const SURROGATES = { first: 0xd800, last: 0xdfff };

/** The text, or what it begins with: that sorts before it. */
function lowerBound(text: string): string {
  const letters = text.length > BOUND_LENGTH ? Array.from(text) : [];
  return letters.length > BOUND_LENGTH ? letters.slice(0, BOUND_LENGTH).join("") : text;
}

/** The text, or a short one that sorts behind it, because its last letter is one later. */
function upperBound(text: string): string {
  const start = lowerBound(text);
  if (start === text) {
    return text;
  }
  const letters = Array.from(start);
  const at = letters.findLastIndex((letter) => letter.codePointAt(0) !== LAST_LETTER);
  const next = (letters[at]?.codePointAt(0) ?? LAST_LETTER) + 1;
  const later = next === SURROGATES.first ? SURROGATES.last + 1 : next;
  return at < 0 ? text : [...letters.slice(0, at), String.fromCodePoint(later)].join("");
}

async function cut({ model, ids, scope = "" }: Claim): Promise<readonly Segment[]> {
  if (ids === "all") {
    return [];
  }
  const sorted = await sortManyIds(ids);
  return Array.from({ length: Math.ceil(sorted.length / SEGMENT_SIZE) }, (_, at) => ({
    model,
    scope,
    ids: sorted.slice(at * SEGMENT_SIZE, (at + 1) * SEGMENT_SIZE),
  }));
}
