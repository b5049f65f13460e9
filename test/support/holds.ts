import type { EngineFixture } from "./engine-fixture.ts";
import { holdRecord } from "./engine-fixture.ts";

/** Rows that a test holds. */
export interface Holds {
  /** See {@link holdRecord}. */
  hold(id: number): Promise<() => Promise<void>>;
  /** For after each test: one that failed may have left some. */
  letAllGo(): Promise<void>;
}

/** @param engine the engine as it is by then */
export function createHolds(engine: () => EngineFixture): Holds {
  const held: (() => Promise<void>)[] = [];
  return {
    async hold(id) {
      const letGo = await holdRecord(engine(), id);
      held.push(letGo);
      return letGo;
    },
    async letAllGo() {
      await Promise.all(held.splice(0).map((letGo) => letGo()));
    },
  };
}
