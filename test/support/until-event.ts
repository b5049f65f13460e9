import type { EventEmitter } from "node:events";
import { withDeadline } from "./deadline.ts";

/** Resolves at the next event of that name. Node's own `once` would reject at an `error` event before it. */
export function untilEvent(emitter: Pick<EventEmitter, "once">, name: string): Promise<void> {
  return withDeadline(
    new Promise<void>((resolve) => void emitter.once(name, () => resolve())),
    15_000,
    `the event "${name}"`,
  );
}
