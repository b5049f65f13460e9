/** The bytes that may be held at a time, over all connections together. */
export class ByteBudget {
  readonly max: number;
  #taken = 0;

  constructor(max: number) {
    this.max = max;
  }

  get taken(): number {
    return this.#taken;
  }

  /** @returns false, and takes nothing, if there are not that many left */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.max) {
      return false;
    }
    this.#taken += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#taken -= bytes;
  }
}
