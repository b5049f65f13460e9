import type { LinkChange } from "../records/change.ts";
import type { Model } from "../records/model.ts";
import { canonicalRecordId, parseRecordId } from "../records/record-key.ts";

const MEMBERS = ["add", "remove", "set"] as const;

/**
 * What is wrong with a change of links, in words; undefined if it may be made.
 * @param change null if the caller gave null instead of ids
 */
export function describeLinkMisfit(target: Model, change: LinkChange | null): string | undefined {
  if (change === null) {
    return "cannot be null. Leave it out, or give ids.";
  }
  return describeMembers(change) ?? describeIds(target, change) ?? describeBoth(target, change);
}

function describeMembers(change: LinkChange): string | undefined {
  const members = Object.entries(change) as readonly (readonly [string, unknown])[];
  const unknown = members.find(([name]) => !(MEMBERS as readonly string[]).includes(name));
  if (unknown !== undefined || members.length === 0) {
    return "give add, remove, or set, each with ids.";
  }
  if (members.length > 1 && change.set !== undefined) {
    return "set replaces all links, so give either set, or add and remove.";
  }
  const notList = members.find(([, ids]) => !Array.isArray(ids));
  return notList && `${notList[0]} needs a list of ids.`;
}

function describeIds(target: Model, { add = [], remove = [], set = [] }: LinkChange): string | undefined {
  for (const id of [...add, ...remove, ...set]) {
    const parsed = parseRecordId(target, id);
    if ("problems" in parsed) {
      return parsed.problems[0]?.message;
    }
  }
  return undefined;
}

/** The ids in their canonical form, each once. @throws AppError VALIDATION_FAILED for a malformed id */
export function canonicalLinks(target: Model, change: LinkChange): LinkChange {
  const canonical = (ids: readonly string[]): readonly string[] => [
    ...new Set(ids.map((id) => canonicalRecordId(target, id))),
  ];
  return Object.fromEntries(
    Object.entries(change).map(([name, ids]) => [name, canonical(ids as readonly string[])]),
  );
}

/** A record cannot be linked with and unlinked at once. */
function describeBoth(target: Model, change: LinkChange): string | undefined {
  const { add = [], remove = [] } = canonicalLinks(target, change);
  const removed = new Set(remove);
  const both = add.find((id) => removed.has(id));
  return both === undefined
    ? undefined
    : `${target.apiName} ${both} is in add and in remove. Give it in one of them.`;
}
