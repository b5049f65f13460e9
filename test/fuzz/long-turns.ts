import { readFile } from "node:fs/promises";

/** The long turns of a service's event loop, as watch-turns.ts writes them. */
export class LongTurns {
  /** Of all that were seen, in ms. */
  longest = 0;
  readonly #file: string;
  #known = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** @returns the lengths of those that are new, in ms */
  async look(): Promise<readonly number[]> {
    const lines = (await readFile(this.#file, "utf8").catch(() => "")).split("\n").slice(0, -1);
    const turns = lines.slice(this.#known).map(Number);
    this.#known = lines.length;
    this.longest = Math.max(this.longest, ...turns);
    return turns;
  }
}
