import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { FullViewer } from "./viewer.ts";

/** What a key may be used for: queries, subscriptions and files; mutations and imports. */
export const KEY_SCOPES = ["read", "write"] as const;

export type KeyScope = (typeof KEY_SCOPES)[number];

/** An API key, without what would let anybody use it. */
export interface ApiKey {
  readonly id: string;
  /** Unique among the keys that are not revoked. */
  readonly name: string;
  /** The part of the key that is no secret: it finds the key, and tells people which one it is. */
  readonly prefix: string;
  /** On whose behalf its holder asks. */
  readonly viewer: FullViewer;
  readonly scopes: readonly KeyScope[];
  readonly createdAt: Date;
  /** Null: never. */
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  /** To the minute; null before its first use. */
  readonly lastUsedAt: Date | null;
}

/** A key as it is stored: with the SHA-256 of its secret in the place of the secret. */
export interface StoredApiKey extends ApiKey {
  readonly hash: Uint8Array;
}

/** A key that is to be stored. */
export type NewApiKey = Omit<StoredApiKey, "revokedAt" | "lastUsedAt">;

/** Where keys are kept. */
export interface ApiKeyStore {
  /** @returns false if there is a key of that name, which is not revoked */
  create(key: NewApiKey): Promise<boolean>;
  /** By its prefix; also one that is expired or revoked. */
  find(prefix: string): Promise<StoredApiKey | undefined>;
  /** The same by its id. */
  findById(id: string): Promise<StoredApiKey | undefined>;
  /** All keys, the oldest first. */
  list(): Promise<readonly ApiKey[]>;
  /** Whether there is one that can be used at that moment. */
  hasUsable(at: Date): Promise<boolean>;
  /** @param nameOrPrefix of a key that is not revoked @returns the key; undefined if there is none */
  revoke(nameOrPrefix: string, at: Date): Promise<ApiKey | undefined>;
  /** Those of the ids whose keys are not revoked. Notes that the keys of `usedIds` were used at that moment. */
  refresh(request: {
    readonly ids: readonly string[];
    readonly usedIds: readonly string[];
    readonly at: Date;
  }): Promise<ReadonlySet<string>>;
}

/** `pck_<prefix>_<secret>`: 6 random bytes in hex, and 32 in base64url. */
const KEY_TEXT = /^pck_([0-9a-f]{12})_([\w-]{43})$/;

/** Whether the text is meant as a key of ours. */
export function looksLikeKey(text: string): boolean {
  return text.startsWith("pck_");
}

/** The parts of a new key, and its text, which nobody can find out later. */
export function makeKey(): { readonly text: string } & Pick<StoredApiKey, "prefix" | "hash"> {
  const prefix = randomBytes(6).toString("hex");
  const secret = randomBytes(32);
  return { text: `pck_${prefix}_${secret.toString("base64url")}`, prefix, hash: hashOf(secret) };
}

/** @returns undefined for a text that is no key */
export function parseKey(text: string): { readonly prefix: string; readonly hash: Uint8Array } | undefined {
  const [, prefix = "", secret = ""] = KEY_TEXT.exec(text) ?? [];
  return prefix === "" ? undefined : { prefix, hash: hashOf(Buffer.from(secret, "base64url")) };
}

function hashOf(secret: Buffer): Uint8Array {
  return createHash("sha256").update(secret).digest();
}

/** Takes the same time for every hash. */
export function isSameHash(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
