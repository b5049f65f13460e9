import type { MemoryTransaction } from "./memory-transaction.ts";

/** How a transaction holds a key: alone, or with others that share it. */
export type GateMode = "SHARED" | "EXCLUSIVE";

/** Makes transactions wait for each other by key, as row locks and advisory locks do in PostgreSQL. */
export interface Gate {
  /**
   * Resolves once the transaction holds the key, which it keeps until its end. First come, first served.
   * @throws Error on a deadlock: the holders wait for this transaction themselves
   */
  enter(transaction: MemoryTransaction, key: string, mode: GateMode): Promise<void>;
}

interface Waiter {
  readonly transaction: MemoryTransaction;
  readonly mode: GateMode;
  readonly admit: () => void;
}

interface Place {
  readonly holders: Map<MemoryTransaction, GateMode>;
  readonly line: Waiter[];
}

export function createMemoryGate(): Gate {
  const places = new Map<string, Place>();
  const waitingAt = new Map<MemoryTransaction, Place>();

  const isBehind = (
    transaction: MemoryTransaction,
    wanted: MemoryTransaction,
    seen: Set<MemoryTransaction>,
  ): boolean => {
    const place = waitingAt.get(transaction);
    if (place === undefined || seen.has(transaction)) {
      return false;
    }
    seen.add(transaction);
    return inTheWay(place, transaction).some((other) => other === wanted || isBehind(other, wanted, seen));
  };
  const leave = (transaction: MemoryTransaction, key: string, place: Place): void => {
    place.holders.delete(transaction);
    removeFromLine(place, transaction);
    waitingAt.delete(transaction);
    admitNext(place, waitingAt);
    if (place.holders.size === 0) {
      places.delete(key);
    }
  };
  return {
    async enter(transaction, key, mode) {
      const place = places.get(key) ?? { holders: new Map(), line: [] };
      places.set(key, place);
      const held = place.holders.get(transaction);
      if (held === "EXCLUSIVE" || held === mode) {
        return;
      }
      if (held === undefined) {
        transaction.atEnd.push(() => leave(transaction, key, place));
      }
      // A transaction that shares the key and wants it alone goes first: the line waits for it anyway.
      const isFirst = held !== undefined || place.line.length === 0;
      if (isFirst && mayEnter(place, transaction, mode)) {
        place.holders.set(transaction, mode);
        return;
      }
      await new Promise<void>((admit, reject) => {
        place.line.splice(isFirst ? 0 : place.line.length, 0, { transaction, mode, admit });
        if (inTheWay(place, transaction).some((other) => isBehind(other, transaction, new Set()))) {
          removeFromLine(place, transaction);
          reject(new Error(`deadlock over ${key}`));
        } else {
          waitingAt.set(transaction, place);
        }
      });
    },
  };
}

function mayEnter(place: Place, transaction: MemoryTransaction, mode: GateMode): boolean {
  return [...place.holders].every(
    ([other, held]) => other === transaction || (mode === "SHARED" && held === "SHARED"),
  );
}

/** The transactions that this one waits for: holders, and those before it in the line. */
function inTheWay(place: Place, transaction: MemoryTransaction): readonly MemoryTransaction[] {
  const line = place.line.map((waiter) => waiter.transaction);
  const own = line.indexOf(transaction);
  const before = own === -1 ? line : line.slice(0, own);
  return [...place.holders.keys(), ...before].filter((other) => other !== transaction);
}

function removeFromLine(place: Place, transaction: MemoryTransaction): void {
  const at = place.line.findIndex((waiter) => waiter.transaction === transaction);
  if (at !== -1) {
    place.line.splice(at, 1);
  }
}

function admitNext(place: Place, waitingAt: Map<MemoryTransaction, Place>): void {
  for (let next = place.line[0]; next !== undefined; next = place.line[0]) {
    if (!mayEnter(place, next.transaction, next.mode)) {
      return;
    }
    place.line.shift();
    place.holders.set(next.transaction, next.mode);
    waitingAt.delete(next.transaction);
    next.admit();
  }
}
