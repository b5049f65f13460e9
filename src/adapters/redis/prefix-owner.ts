import type { Redis } from "ioredis";
import { toRedisUnavailable } from "./redis-unavailable.ts";

/** Whose the keys with a prefix are: of two databases, each would take the other's locks for lost, and its tasks for its own. */
export interface PrefixOwner {
  /** The key that names the owner; whoever knows that the owner is gone may delete it. */
  readonly key: string;
  /** Takes the prefix where it is nobody's. @returns whether it is ours now. @throws AppError UNAVAILABLE */
  take(): Promise<boolean>;
  /** Whether it is somebody else's. Changes nothing. @throws AppError UNAVAILABLE */
  isForeign(): Promise<boolean>;
}

/** What the owner is known by. */
export interface PrefixOwnerOptions {
  readonly client: Pick<Redis, "get" | "set">;
  readonly keyPrefix: string;
  /** The same for all processes of a deployment, and no other's. */
  readonly deploymentId: () => Promise<string>;
}

export function createPrefixOwner({ client, keyPrefix, deploymentId }: PrefixOwnerOptions): PrefixOwner {
  const key = `${keyPrefix}{lock}:deployment`;
  const ask = async <Answer>(work: (id: string) => Promise<Answer>): Promise<Answer> => {
    const id = await deploymentId();
    return work(id).catch((error: unknown) => {
      throw toRedisUnavailable(error);
    });
  };
  return {
    key,
    take: () =>
      ask(async (id) => (await client.set(key, id, "NX")) === "OK" || (await client.get(key)) === id),
    isForeign: () => ask(async (id) => ![id, null].includes(await client.get(key))),
  };
}
