import type { Redis } from "ioredis";
import { AppError } from "../../kernel/app-error.ts";
import type { Finding } from "../../core/health/health-check.ts";
import { toRedisUnavailable } from "./redis-unavailable.ts";

/**
 * The prefix of this deployment's keys and channels in Redis. Two deployments with the same prefix would take tasks from
 * each other's queue, and those tasks would wait until a sweeper enqueues them again.
 */
export interface KeyPrefix {
  /**
   * Reserves the prefix for this deployment, if that has not been done.
   * @throws AppError START_FAILED when a deployment on another database has the prefix; UNAVAILABLE
   */
  own(): Promise<void>;
  /**
   * FAILED when a deployment on another database has the prefix; undefined when this one has it, or none.
   * @throws AppError UNAVAILABLE
   */
  examine(): Promise<Finding | undefined>;
}

export interface KeyPrefixOptions {
  readonly client: Pick<Redis, "get" | "set">;
  readonly keyPrefix: string;
  /** The same id for all processes of a deployment, and unique to it. */
  readonly deploymentId: () => Promise<string>;
}

const FOREIGN = "The keys of this service in Redis belong to a deployment on another database";

export function createKeyPrefix({ client, keyPrefix, deploymentId }: KeyPrefixOptions): KeyPrefix {
  const key = `${keyPrefix}deployment`;
  const remedy = `Set POWERCRUD_REDIS_KEY_PREFIX to an unused prefix; or, if that deployment is gone, delete the key ${key}.`;
  let known: string | undefined;
  const ask = async <Answer>(work: (id: string) => Promise<Answer>): Promise<Answer> => {
    // Read once: a database that is lost later is not a problem of Redis.
    known ??= await deploymentId();
    return work(known).catch((error: unknown) => {
      throw toRedisUnavailable(error);
    });
  };
  return {
    own: () =>
      ask(async (id) => {
        const isOurs = (await client.set(key, id, "NX")) === "OK" || (await client.get(key)) === id;
        if (!isOurs) {
          throw new AppError("START_FAILED", `${FOREIGN}. ${remedy}`);
        }
      }),
    examine: () =>
      ask(async (id) =>
        [id, null].includes(await client.get(key))
          ? undefined
          : { status: "FAILED", message: `${FOREIGN}.`, detail: remedy },
      ),
  };
}
