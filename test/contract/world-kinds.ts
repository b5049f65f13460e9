import { createMemoryWorld } from "./memory-world.ts";
import { createPostgresWorld } from "./postgres-world.ts";
import type { WorldKind } from "./world.ts";

/** Every contract suite runs over each of these. */
export const WORLD_KINDS: readonly WorldKind[] = [
  { name: "memory", create: createMemoryWorld },
  { name: "postgres", create: createPostgresWorld },
];
