import type { Claim } from "../../../core/locks/claim.ts";
import { mergeClaims } from "../../../core/locks/claim.ts";
import { sortIds } from "../../../core/locks/claim.ts";
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
 * The parameters of a claim, in the order of segmentsSql() in sql/locks.ts. Lowest and highest ids are by the C collation.
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
export function toSegments(claims: readonly Claim[]): SegmentParameters {
  const merged = mergeClaims(claims);
  const parts = merged.flatMap(cut);
  const wholes = merged.filter(({ ids }) => ids === "all");
  const { texts, separator } = joinIds(parts.map(({ ids }) => ids));
  const nothing = wholes.map(() => null);
  return [
    [...parts, ...wholes].map(({ model }) => model),
    [...parts.map(({ ids }) => ids[0] ?? null), ...nothing],
    [...parts.map(({ ids }) => ids.at(-1) ?? null), ...nothing],
    [...texts, ...nothing],
    [...parts, ...wholes].map(({ scope }) => scope ?? ""),
    separator,
  ];
}

function cut({ model, ids, scope = "" }: Claim): readonly Segment[] {
  if (ids === "all") {
    return [];
  }
  const sorted = sortIds(ids);
  return Array.from({ length: Math.ceil(sorted.length / SEGMENT_SIZE) }, (_, at) => ({
    model,
    scope,
    ids: sorted.slice(at * SEGMENT_SIZE, (at + 1) * SEGMENT_SIZE),
  }));
}
