/** The names of a file's rows, to find out which come twice. */
export interface SeenNames {
  /** Notes the name of a row. @returns the line of the row that had it before; undefined for none */
  note(name: string, line: number): number | undefined;
}

const WORDS_PER_NAME = 4;
const FIRST_CAPACITY = 1024;
const ABSENT = 0;

/**
 * Keeps 96 bits of a hash and the line of each name: 32 MB for a million of them, where the names themselves would take
 * several times as much. That two names share these bits is less likely than a fault of the machine.
 * @param seed of the hash, so that nobody can make names that share them
 */
export function createSeenNames(seed: number): SeenNames {
  let capacity = FIRST_CAPACITY;
  let table = new Uint32Array(capacity * WORDS_PER_NAME);
  let count = 0;
  const hash = new Uint32Array(3);

  /** The place of the hash in a table, or of the hole where it belongs. */
  const placeIn = (words: Uint32Array, size: number, a: number, b: number, c: number): number => {
    let at = (a & (size - 1)) * WORDS_PER_NAME;
    while (words[at + 3] !== ABSENT && (words[at] !== a || words[at + 1] !== b || words[at + 2] !== c)) {
      at = (at + WORDS_PER_NAME) % words.length;
    }
    return at;
  };
  const grow = (): void => {
    const old = table;
    capacity *= 2;
    table = new Uint32Array(capacity * WORDS_PER_NAME);
    for (let at = 0; at < old.length; at += WORDS_PER_NAME) {
      if (old[at + 3] !== ABSENT) {
        const place = placeIn(table, capacity, old[at] ?? 0, old[at + 1] ?? 0, old[at + 2] ?? 0);
        table.set(old.subarray(at, at + WORDS_PER_NAME), place);
      }
    }
  };
  return {
    note(name, line) {
      hashInto(hash, name, seed);
      const [a = 0, b = 0, c = 0] = hash;
      const at = placeIn(table, capacity, a, b, c);
      const before = table[at + 3] ?? ABSENT;
      if (before !== ABSENT) {
        return before;
      }
      table[at] = a;
      table[at + 1] = b;
      table[at + 2] = c;
      // Lines count from 1: 0 marks a hole.
      table[at + 3] = line;
      count += 1;
      if (count * 2 > capacity) {
        grow();
      }
      return undefined;
    },
  };
}

/** Three words, after cyrb128 by bryc (public domain): each step mixes a character into all of them. */
function hashInto(hash: Uint32Array, text: string, seed: number): void {
  let a = 1779033703 ^ seed;
  let b = 3144134277 ^ seed;
  let c = 1013904242 ^ seed;
  let d = 2773480762 ^ seed;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    a = b ^ Math.imul(a ^ code, 597399067);
    b = c ^ Math.imul(b ^ code, 2869860233);
    c = d ^ Math.imul(c ^ code, 951274213);
    d = a ^ Math.imul(d ^ code, 2716044179);
  }
  a = Math.imul(c ^ (a >>> 18), 597399067);
  b = Math.imul(d ^ (b >>> 22), 2869860233);
  c = Math.imul(a ^ (c >>> 17), 951274213);
  d = Math.imul(b ^ (d >>> 19), 2716044179);
  hash[0] = a ^ b ^ c ^ d;
  hash[1] = b ^ a;
  hash[2] = c ^ a;
}
