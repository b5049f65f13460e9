/** How long a piece of long work may hold the event loop, in ms. */
const SLICE_MS = 8;
/** The most items of a list in one piece, however quick they are. */
export const MAX_ITEMS_PER_TURN = 10_000;
/** Items after which a walk looks at the clock. */
const ITEMS_PER_LOOK = 250;

/** Gives the event loop back during long work: `if (turns.isOver(items)) await turns.next()`. */
export class Turns {
  #end = performance.now() + SLICE_MS;
  #items = 0;

  /** Whether it is time to give way. @param items done since the last call */
  isOver(items = 0): boolean {
    this.#items += items;
    return this.#items >= MAX_ITEMS_PER_TURN || performance.now() >= this.#end;
  }

  async next(): Promise<void> {
    // Each piece of work has a turn of its own: those of many at once would follow each other without a pause.
    last = last.then(() => new Promise((resolve) => setImmediate(resolve)));
    await last;
    this.#end = performance.now() + SLICE_MS;
    this.#items = 0;
  }
}

/** A request takes some ten turns. */
const TURNS_FOR_OTHERS = 4;

/**
 * Calls back after a few turns of the event loop, so that what else is under way gets on; after fewer where they take longer than
 * the time, so that this gets on, too.
 */
export function giveWay(maxMs: number, goOn: () => void): void {
  const end = performance.now() + maxMs;
  let turns = 0;
  const turn = (): void => {
    turns += 1;
    if (turns >= TURNS_FOR_OTHERS || performance.now() >= end) {
      goOn();
    } else {
      setImmediate(turn);
    }
  };
  setImmediate(turn);
}

let last: Promise<unknown> = Promise.resolve();

/**
 * Visits the items in order, as `for … of` would, in as many turns of the event loop as it takes.
 * @param visit returns false to end the walk
 */
export async function visitInTurns<T>(
  items: readonly T[],
  visit: (item: T, at: number) => unknown,
): Promise<void> {
  const turns = new Turns();
  for (let at = 0; at < items.length; at += 1) {
    if (at % ITEMS_PER_LOOK === 0 && at > 0 && turns.isOver(ITEMS_PER_LOOK)) {
      await turns.next();
    }
    if (visit(items[at] as T, at) === false) {
      return;
    }
  }
}

/** As `items.map(map)`, in as many turns of the event loop as it takes. */
export async function mapInTurns<T, Result>(
  items: readonly T[],
  map: (item: T, at: number) => Result,
): Promise<Result[]> {
  const results: Result[] = [];
  await visitInTurns(items, (item, at) => void results.push(map(item, at)));
  return results;
}
