import { randomUUID } from "node:crypto";

/**
 * A claim's or a guard's turn at the locks of some models. PostgreSQL gives turns out, by its gate, and takes them back
 * when it ends a connection, of which a process that was stopped meanwhile knows nothing: it would go on and give back
 * what another one has granted since. So whoever begins a turn signs for the models in the lock table, and what is to
 * be given back under a turn that is not the last to have signed is refused.
 */
export interface LockTurn {
  readonly models: readonly string[];
  /** For the script that signs. */
  begin(): string;
  /** For the scripts that rely on it. */
  keep(): string;
}

/** A script was to rely on a turn that somebody else has by now. */
export class LostTurn extends Error {
  constructor() {
    super("somebody else has the turn at the locks");
  }
}

/** For a script that takes nothing away from anybody who may hold something. */
export const NO_TURN = "";

export function createLockTurn(models: readonly string[]): LockTurn {
  const rest = [randomUUID(), ...models].join("\0");
  return { models, begin: () => `begin\0${rest}`, keep: () => `keep\0${rest}` };
}
