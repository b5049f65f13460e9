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

/** Runs a suite of a port of tasks and events on memory and on PostgreSQL. */
export function describeWorlds(name: string, body: (world: () => World) => void): void {
  describeEach(name, WORLDS, body);
}

/** Runs a suite of locks, which only PostgreSQL has. lock-model.ts specifies them. */
export function describeLocks(name: string, body: (world: () => PostgresWorld) => void): void {
  describeEach(name, [POSTGRES], body);
}

/** Runs a suite of the queue or the bus on every backend. */
export function describeTransports(name: string, body: (world: () => Transports) => void): void {
  describeEach(name, TRANSPORTS, body);
}

/** Each kind of adapters has its own world, created before the tests and closed after them. */
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
