import { createHash } from "node:crypto";
import type { Json, JsonObject } from "../../kernel/json.ts";
import type { SessionSettings } from "../access/viewer-sessions.ts";
import { canonicalJson } from "../../kernel/json.ts";

/** The bus topic of what happens to records. */
export const RECORD_TOPIC = "powercrud_records";

/** What can happen to records, with its description for callers. */
export const RECORD_EVENT_TYPES = {
  LOCKED: "A task holds them from now on.",
  RELEASED: "The task does not hold them any more.",
  CREATED: "They are new. Of upserted records, some may have been there.",
  UPDATED: "They were changed.",
  DELETED: "They are gone.",
  GAP: "Events before it may have been lost: anything may have happened to any record of the model. The first event of every subscription: it is in place now.",
} as const;

export type RecordEventType = keyof typeof RECORD_EVENT_TYPES;

/** Stands for every model where it is not known which records a change concerned. Only a GAP can have it. */
export const ANY_MODEL = "*";

/** What happened to records of one model, after its commit. */
export interface RecordAnnouncement {
  readonly type: RecordEventType;
  readonly model: string;
  /** `"all"`: more than can be named, or the whole model. */
  readonly ids: readonly string[] | "all";
  /** The task that did it; null for a single write. */
  readonly taskId: string | null;
  /** The filter that all of the records match, as {@link filterKey}. Left out: not known. */
  readonly within?: string | undefined;
  /** The lock scope of a claim on the whole model; see Claim. */
  readonly lockScope?: string | undefined;
}

/** More records than these are not named in one event: it says that any record of the model may be concerned. */
export const MAX_NAMED_RECORDS = 100;
/** Ids may be long; a message of the bus may not. */
const MAX_IDS_LENGTH = 5000;

/** The announcement as a message for the bus. Too many ids are folded. */
export function encodeRecordAnnouncement(announcement: RecordAnnouncement): Json {
  const { ids } = announcement;
  const isFolded = ids === "all" || ids.length > MAX_NAMED_RECORDS || lengthOf(ids) > MAX_IDS_LENGTH;
  return { ...announcement, ids: isFolded ? "all" : ids } as unknown as Json;
}

/** The announcement in a message; undefined for any other message, such as a newer version's. */
export function decodeRecordAnnouncement(message: Json): RecordAnnouncement | undefined {
  const candidate = message as unknown as RecordAnnouncement | null;
  const isKnown =
    typeof candidate?.model === "string" &&
    Object.hasOwn(RECORD_EVENT_TYPES, candidate.type) &&
    (candidate.ids === "all" || Array.isArray(candidate.ids));
  return isKnown ? candidate : undefined;
}

/**
 * A row filter as a short text: equal filters have equal ones. Undefined for no filter.
 * @param settings those of the viewer's transactions, where the database has policies that filter the rows, too
 */
export function filterKey(filter: JsonObject | undefined, settings?: SessionSettings): string | undefined {
  if (filter === undefined && settings === undefined) {
    return undefined;
  }
  const text = canonicalJson(filter ?? null);
  const whole = settings === undefined ? text : JSON.stringify([text, settings]);
  return createHash("sha256").update(whole).digest("base64url");
}

function lengthOf(ids: readonly string[]): number {
  return Buffer.byteLength(JSON.stringify(ids));
}
