import { createApiKey, KEY_SCOPES, listApiKeys, revokeApiKey } from "../../compose/manage-keys.ts";
import { requireMigrated } from "../../compose/migrations.ts";
import { createAudit } from "../../kernel/audit.ts";
import { nearestName } from "../../kernel/nearest-name.ts";
import type { CliContext } from "../cli-context.ts";
import { parseViewer, UsageError } from "../usage.ts";
import { withDatabase } from "../with-database.ts";

/** The options of `powercrud keys create`. */
export interface CreateKeyOptions {
  readonly name: string;
  /** JSON of the viewer. Default: one with the id `key:<name>`. */
  readonly viewer?: string;
  /** A number with `m`, `h` or `d`. Default: it never expires. */
  readonly expires?: string;
  /** Words, separated by commas. Default: `read,write`. */
  readonly scopes?: string;
  /** Prints one JSON document instead of lines. */
  readonly json?: boolean;
}

type Request = Parameters<typeof createApiKey>[1];
type Address = Parameters<typeof createApiKey>[0];
type ListedKey = Awaited<ReturnType<typeof listApiKeys>>[number];

/** `powercrud keys create`. @throws UsageError */
export function createKey(context: CliContext, options: CreateKeyOptions): Promise<void> {
  const request = parseKeyRequest(options);
  return withKeys(context, async (address) => {
    const made = await createApiKey(address, request);
    if (made === undefined) {
      throw new UsageError(
        `there is a key ${JSON.stringify(request.name)} already; revoke it first, or take another name`,
      );
    }
    const { text, key } = made;
    if (options.json === true) {
      context.print(JSON.stringify({ key: text, ...key }, null, 2));
      return;
    }
    context.print(text);
    context.say(`this is the key ${key.name}, shown this once: send it as "Authorization: Bearer <key>"`);
  });
}

/** `powercrud keys list`. */
export function listKeys(context: CliContext, { json: isJson }: { readonly json?: boolean }): Promise<void> {
  return withKeys(context, async (address) => {
    const keys = (await listApiKeys(address)).map(describeKey);
    if (isJson === true) {
      context.print(JSON.stringify(keys, null, 2));
    } else if (keys.length === 0) {
      context.print("There is no API key. Make one: npx powercrud keys create --name admin");
    } else {
      keys.forEach((key) => context.print(lineOf(key)));
    }
  });
}

/** `powercrud keys revoke`. @throws UsageError if no such key is in use */
export function revokeKey(context: CliContext, nameOrPrefix: string): Promise<void> {
  return withKeys(context, async (address) => {
    const key = await revokeApiKey(address, nameOrPrefix);
    if (key === undefined) {
      throw new UsageError(
        `no key ${JSON.stringify(nameOrPrefix)} is in use; npx powercrud keys list shows all`,
      );
    }
    context.print(`revoked ${key.name} (${key.prefix})`);
  });
}

async function withKeys(context: CliContext, work: (address: Address) => Promise<void>): Promise<void> {
  const { config, logger, projectDir } = context;
  await withDatabase(context, async (databaseUrl) => {
    await requireMigrated({ databaseUrl, projectDir, logger });
    await work({ databaseUrl, config, logger, ...auditOf(context) });
  });
}

/** For what becomes of keys, unless nothing is to be written down. */
export function auditOf({ config, auditLogger }: CliContext): Pick<Address, "audit"> {
  return config.isAudited ? { audit: createAudit(auditLogger) } : {};
}

/** The listed parts: never the hash. */
function describeKey(key: ListedKey) {
  const { name, prefix, viewer, scopes, createdAt, expiresAt, revokedAt, lastUsedAt } = key;
  return { name, prefix, viewer, scopes, createdAt, expiresAt, revokedAt, lastUsedAt };
}

function lineOf(key: ReturnType<typeof describeKey>): string {
  const state =
    key.revokedAt !== null
      ? `revoked ${dayOf(key.revokedAt)}`
      : key.expiresAt === null
        ? "never expires"
        : `expires ${dayOf(key.expiresAt)}`;
  const used = key.lastUsedAt === null ? "never used" : `last used ${key.lastUsedAt.toISOString()}`;
  return `${key.prefix}  ${key.name}  ${JSON.stringify(key.viewer)}  ${key.scopes.join(",")}  ${state}, ${used}`;
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}

/** @throws UsageError */
export function parseKeyRequest({ name, viewer, expires, scopes }: CreateKeyOptions): Request {
  if (!/^\S.{0,98}\S$|^\S$/.test(name)) {
    throw new UsageError("--name needs 1 to 100 characters, without white space around them");
  }
  return {
    name,
    viewer: parseViewer(viewer).viewer ?? { id: `key:${name}` },
    scopes: parseScopes(scopes),
    validForMs: expires === undefined ? undefined : parseDuration(expires),
  };
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
/** A hundred years. */
const MAX_MS = 36_500 * 86_400_000;

function parseDuration(text: string): number {
  const [, count, unit = ""] = /^([1-9]\d*)([mhd])$/.exec(text) ?? [];
  const ms = Number(count) * (UNIT_MS[unit] ?? Number.NaN);
  if (!(ms <= MAX_MS)) {
    throw new UsageError(`--expires needs a number with m, h or d, such as 90d, not ${JSON.stringify(text)}`);
  }
  return ms;
}

function parseScopes(text = "read,write"): Request["scopes"] {
  return text.split(",").map((word) => {
    const scope = KEY_SCOPES.find((one) => one === word.trim());
    if (scope === undefined) {
      const nearest = nearestName(word, KEY_SCOPES);
      const advice = nearest === undefined ? `known: ${KEY_SCOPES.join(", ")}` : `did you mean ${nearest}?`;
      throw new UsageError(`--scopes: ${JSON.stringify(word)} is no scope; ${advice}`);
    }
    return scope;
  });
}
