import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { toRedisUnavailable } from "./redis-unavailable.ts";

/** As much of a client as scripts need. */
export type ScriptClient = Pick<Redis, "eval" | "evalsha">;

/** Runs a script over one key by its hash, and sends its text only where the server does not know it yet. */
export async function runScript(
  client: ScriptClient,
  text: string,
  key: string,
  values: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await client.evalsha(hashOf(text), 1, key, ...values);
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) {
      throw toRedisUnavailable(error);
    }
  }
  try {
    return await client.eval(text, 1, key, ...values);
  } catch (error) {
    throw toRedisUnavailable(error);
  }
}

/** Of texts that are written in this program, so there are few. */
const hashes = new Map<string, string>();

function hashOf(text: string): string {
  const known = hashes.get(text);
  if (known !== undefined) {
    return known;
  }
  const hash = createHash("sha1").update(text).digest("hex");
  hashes.set(text, hash);
  return hash;
}
