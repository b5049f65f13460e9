/** A list, and how much of it was read in one turn of the event loop at most. */
export interface WatchedList<T> {
  readonly list: readonly T[];
  /** Ends the watch. @returns the most items that were read in one turn */
  most(): number;
}

/** Watches how a long list is walked: a walk that does not give way reads all of it in one turn. */
export function watchedList<T>(items: readonly T[]): WatchedList<T> {
  let inTurn = 0;
  let most = 0;
  let isOver = false;
  const nextTurn = (): void => {
    inTurn = 0;
    if (!isOver) {
      setImmediate(nextTurn);
    }
  };
  setImmediate(nextTurn);
  const list = new Proxy(items, {
    get(target, name, receiver) {
      if (typeof name === "string" && /^\d+$/.test(name)) {
        inTurn += 1;
        most = Math.max(most, inTurn);
      }
      return Reflect.get(target, name, receiver) as unknown;
    },
  });
  return {
    list,
    most() {
      isOver = true;
      return most;
    },
  };
}
