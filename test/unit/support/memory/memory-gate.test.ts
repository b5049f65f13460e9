import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createMemoryGate } from "../../../support/memory/memory-gate.ts";
import type { GateMode } from "../../../support/memory/memory-gate.ts";
import type { MemoryTransaction } from "../../../support/memory/memory-transaction.ts";

function newTransaction(): MemoryTransaction {
  return {
    session: undefined,
    onCommit: () => undefined,
    onRollback: () => undefined,
    atCommit: [],
    atEnd: [],
  };
}

const end = (transaction: MemoryTransaction): void => transaction.atEnd.forEach((one) => one());

/** A gate whose entries are noted as they happen. */
function createNoted(): {
  entered: string[];
  enter(name: string, transaction: MemoryTransaction, key: string, mode: GateMode): Promise<void>;
} {
  const gate = createMemoryGate();
  const entered: string[] = [];
  return {
    entered,
    enter: (name, transaction, key, mode) =>
      gate.enter(transaction, key, mode).then(() => void entered.push(name)),
  };
}

describe("createMemoryGate", () => {
  it("lets sharers in together, and the exclusive one alone, first come, first served", async () => {
    const { entered, enter } = createNoted();
    const [a, b, c, d] = [newTransaction(), newTransaction(), newTransaction(), newTransaction()];
    await enter("a shared", a, "key", "SHARED");
    await enter("b shared", b, "key", "SHARED");
    void enter("c alone", c, "key", "EXCLUSIVE");
    void enter("d shared", d, "key", "SHARED");
    await setImmediate();
    expect(entered).toEqual(["a shared", "b shared"]);
    end(a);
    await setImmediate();
    expect(entered).toHaveLength(2);
    end(b);
    await setImmediate();
    expect(entered.slice(2)).toEqual(["c alone"]);
    end(c);
    await setImmediate();
    expect(entered.slice(3)).toEqual(["d shared"]);
  });

  it("does not wait for itself, and lets a sharer become the exclusive one before those who wait", async () => {
    const { entered, enter } = createNoted();
    const [a, b, c] = [newTransaction(), newTransaction(), newTransaction()];
    await enter("a shared", a, "key", "SHARED");
    await enter("b shared", b, "key", "SHARED");
    void enter("c alone", c, "key", "EXCLUSIVE");
    void enter("a alone", a, "key", "EXCLUSIVE");
    end(b);
    await setImmediate();
    expect(entered.slice(2)).toEqual(["a alone"]);
    await enter("a again", a, "key", "EXCLUSIVE");
    await enter("a shares", a, "key", "SHARED");
    end(a);
    await setImmediate();
    expect(entered.at(-1)).toBe("c alone");
  });

  it("refuses to wait for ever: over two keys", async () => {
    const { enter } = createNoted();
    const [a, b] = [newTransaction(), newTransaction()];
    await enter("a1", a, "1", "EXCLUSIVE");
    await enter("b2", b, "2", "EXCLUSIVE");
    const waiting = enter("a2", a, "2", "EXCLUSIVE");
    await expect(enter("b1", b, "1", "EXCLUSIVE")).rejects.toThrow("deadlock");
    end(b);
    await waiting;
  });

  it("refuses to wait for ever: two sharers that both want to be alone", async () => {
    const { enter } = createNoted();
    const [a, b] = [newTransaction(), newTransaction()];
    await enter("a", a, "1", "SHARED");
    await enter("b", b, "1", "SHARED");
    const waiting = enter("a", a, "1", "EXCLUSIVE");
    await expect(enter("b", b, "1", "EXCLUSIVE")).rejects.toThrow("deadlock");
    end(b);
    await waiting;
  });

  it("forgets who ended while it waited", async () => {
    const { entered, enter } = createNoted();
    const [a, b, c] = [newTransaction(), newTransaction(), newTransaction()];
    await enter("a", a, "1", "EXCLUSIVE");
    void enter("b", b, "1", "EXCLUSIVE");
    void enter("c", c, "1", "EXCLUSIVE");
    end(b);
    end(a);
    await setImmediate();
    expect(entered).toEqual(["a", "c"]);
  });
});
