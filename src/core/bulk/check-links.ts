import { isAppError } from "../../kernel/app-error.ts";
import type { LinkChange } from "../records/change.ts";
import type { Model } from "../records/model.ts";
import { canonicalRecordId } from "../records/record-key.ts";

const MEMBERS = ["add", "remove", "set"] as const;

/** What is wrong with a change of links, in words; undefined if it may be made. */
export function describeLinkMisfit(target: Model, change: LinkChange): string | undefined {
  const members = Object.entries(change) as readonly (readonly [string, unknown])[];
  const unknown = members.find(([name]) => !(MEMBERS as readonly string[]).includes(name));
  if (unknown !== undefined || members.length === 0) {
    return "give add, remove, or set, each with ids.";
  }
  if (members.length > 1 && change.set !== undefined) {
    return "set replaces all links, so give either set, or add and remove.";
  }
  const notList = members.find(([, ids]) => !Array.isArray(ids));
  if (notList !== undefined) {
    return `${notList[0]} needs a list of ids.`;
  }
  return (
    idsOfLinks(change).flatMap((id) => describeIdMisfit(target, id) ?? [])[0] ?? describeBoth(target, change)
  );
}

/** A record that is to be linked with and unlinked: which of the two should it be? */
function describeBoth(target: Model, change: LinkChange): string | undefined {
  const { add = [], remove = [] } = canonicalLinks(target, change);
  const removed = new Set(remove);
  const both = add.find((id) => removed.has(id));
  return both === undefined
    ? undefined
    : `${target.name} ${both} is in add and in remove. Give it in one of them.`;
}

/** All ids that a change of links names. */
function idsOfLinks({ add = [], remove = [], set = [] }: LinkChange): readonly string[] {
  return [...add, ...remove, ...set];
}

/** The ids in their canonical form, each once. */
export function canonicalLinks(target: Model, change: LinkChange): LinkChange {
  const canonical = (ids: readonly string[]): readonly string[] => [
    ...new Set(ids.map((id) => canonicalRecordId(target, id))),
  ];
  return Object.fromEntries(
    Object.entries(change).map(([name, ids]) => [name, canonical(ids as readonly string[])]),
  );
}

function describeIdMisfit(target: Model, id: string): string | undefined {
  try {
    canonicalRecordId(target, id);
    return undefined;
  } catch (error) {
    if (isAppError(error, "VALIDATION_FAILED")) {
      return error.message;
    }
    throw error;
  }
}
