import { afterAll, beforeAll, describe } from "vitest";
import { createMemoryWorld } from "./memory-world.ts";
import type { PostgresWorld } from "./postgres-world.ts";
import { createPostgresWorld } from "./postgres-world.ts";
import { createRedisTransports } from "./redis-transports.ts";
import type { Transports, World } from "./world.ts";

interface Kind<Adapters> {
  readonly name: string;
  create(): Promise<Adapters>;
}

const POSTGRES: Kind<PostgresWorld> = { name: "postgres", create: createPostgresWorld };
const WORLDS: readonly Kind<World>[] = [{ name: "memory", create: createMemoryWorld }, POSTGRES];
const TRANSPORTS: readonly Kind<Transports>[] = [...WORLDS, { name: "redis", create: createRedisTransports }];

/** Describes a port of tasks and events, on memory and on PostgreSQL. */
export function describeWorlds(name: string, body: (world: () => World) => void): void {
  describeEach(name, WORLDS, body);
}

/** Describes locks, which only PostgreSQL has; lock-model.ts is the specification. */
export function describeLocks(name: string, body: (world: () => PostgresWorld) => void): void {
  describeEach(name, [POSTGRES], body);
}

/** Describes the queue or the bus, on every backend. */
export function describeTransports(name: string, body: (world: () => Transports) => void): void {
  describeEach(name, TRANSPORTS, body);
}

/** Each kind of adapters gets a world of its own, which is there while tests run. */
function describeEach<Adapters extends Transports>(
  name: string,
  kinds: readonly Kind<Adapters>[],
  body: (world: () => Adapters) => void,
): void {
  describe.each(kinds)(`${name}: $name`, ({ create }) => {
    let world: Adapters;
    beforeAll(async () => {
      world = await create();
    });
    afterAll(() => world.close());
    body(() => world);
  });
}
