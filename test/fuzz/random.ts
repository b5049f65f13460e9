/** Numbers that a seed decides, and choices made with them. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d_2b_79_f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number below the bound. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** Whether something of this probability happens. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly [T, ...T[]] | readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }

  /** The text with some of its characters left out, doubled, replaced or moved. */
  damage(text: string): string {
    let damaged = text;
    for (let times = 1 + this.below(4); times > 0; times -= 1) {
      const at = this.below(damaged.length + 1);
      const length = this.below(12);
      const piece = damaged.slice(at, at + length);
      const inserted = this.pick(["", piece + piece, this.pick(ODD), piece.repeat(1 + this.below(200))]);
      damaged = damaged.slice(0, at) + inserted + damaged.slice(at + length);
    }
    return damaged;
  }
}

/** Texts that parsers stumble over. */
export const ODD = [
  "\u0000",
  "\uFEFF",
  "\uD800",
  "{{{{",
  "]]]]",
  '"""',
  "\\u0000",
  "...F",
  "@skip(if: true)",
  "__proto__",
  "constructor",
  "-0",
  "1e999",
  "99999999999999999999",
  "null",
  "$v",
  "#",
  "\r\n\r\n",
  "𝕏",
];
