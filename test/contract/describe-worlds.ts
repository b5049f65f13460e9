import { afterAll, beforeAll, describe } from "vitest";
import { createMemoryWorld } from "./memory-world.ts";
import { createPostgresWorld } from "./postgres-world.ts";
import { createRedisWorld } from "./redis-world.ts";
import type { World } from "./world.ts";

/** Every contract suite runs over each of these. */
const WORLD_KINDS: readonly { readonly name: string; create(): Promise<World> }[] = [
  { name: "memory", create: createMemoryWorld },
  { name: "postgres", create: createPostgresWorld },
  { name: "redis", create: createRedisWorld },
];

/** Describes one port for every kind of adapters; each gets a world of its own, which is there while tests run. */
export function describeWorlds(name: string, body: (world: () => World) => void): void {
  describe.each(WORLD_KINDS)(`${name}: $name`, ({ create }) => {
    let world: World;
    beforeAll(async () => {
      world = await create();
    });
    afterAll(() => world.close());
    body(() => world);
  });
}
