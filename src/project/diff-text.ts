/** A file before and after a change. */
export interface TextChange {
  /** Relative to the project. */
  readonly path: string;
  /** Undefined for a new file. */
  readonly before: string | undefined;
  readonly after: string;
}

/** Unchanged lines that are shown around changed ones. */
const CONTEXT = 3;

interface Line {
  readonly sign: " " | "-" | "+";
  readonly text: string;
}

/** The change as a unified diff, as `diff -u` and git show it. */
export function diffText({ path, before, after }: TextChange): string {
  const lines = compareLines(splitLines(before ?? ""), splitLines(after));
  const hunks = hunksOf(lines).map(([from, to]) => printHunk(lines, from, to));
  const head = [before === undefined ? "--- /dev/null" : `--- a/${path}`, `+++ b/${path}`];
  return [...head, ...hunks].join("\n");
}

function splitLines(text: string): readonly string[] {
  const lines = text.split(/\r?\n/);
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

/** All lines of both, the removed ones before those that were added in their place. */
function compareLines(before: readonly string[], after: readonly string[]): readonly Line[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) {
    start += 1;
  }
  let end = 0;
  const rest = Math.min(before.length, after.length) - start;
  while (end < rest && before.at(-1 - end) === after.at(-1 - end)) {
    end += 1;
  }
  const unchanged = (text: string): Line => ({ sign: " ", text });
  return [
    ...before.slice(0, start).map(unchanged),
    ...compareMiddle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map(unchanged),
  ];
}

/** By the longest common subsequence. What differs is short: a few lines that were added. */
function compareMiddle(before: readonly string[], after: readonly string[]): readonly Line[] {
  const lengthAt = commonLengths(before, after);
  const lines: Line[] = [];
  let [row, column] = [0, 0];
  while (row < before.length && column < after.length) {
    const [old = "", fresh = ""] = [before[row], after[column]];
    if (old === fresh) {
      lines.push({ sign: " ", text: old });
      [row, column] = [row + 1, column + 1];
    } else if (lengthAt(row + 1, column) >= lengthAt(row, column + 1)) {
      lines.push({ sign: "-", text: old });
      row += 1;
    } else {
      lines.push({ sign: "+", text: fresh });
      column += 1;
    }
  }
  return [
    ...lines,
    ...before.slice(row).map((text): Line => ({ sign: "-", text })),
    ...after.slice(column).map((text): Line => ({ sign: "+", text })),
  ];
}

/** How many lines both have in common, in order, from a line of the one and a line of the other on. */
function commonLengths(
  before: readonly string[],
  after: readonly string[],
): (row: number, column: number) => number {
  const lengths = [...before, ""].map(() => new Uint32Array(after.length + 1));
  const lengthAt = (row: number, column: number): number => lengths[row]?.[column] ?? 0;
  for (let row = before.length - 1; row >= 0; row -= 1) {
    for (let column = after.length - 1; column >= 0; column -= 1) {
      const length =
        before[row] === after[column]
          ? lengthAt(row + 1, column + 1) + 1
          : Math.max(lengthAt(row + 1, column), lengthAt(row, column + 1));
      lengths[row]?.fill(length, column, column + 1);
    }
  }
  return lengthAt;
}

/** The parts of the lines to show: changed lines with those around them. */
function hunksOf(lines: readonly Line[]): readonly (readonly [from: number, to: number])[] {
  const hunks: [number, number][] = [];
  for (const [index, { sign }] of lines.entries()) {
    if (sign === " ") {
      continue;
    }
    const [from, to] = [Math.max(0, index - CONTEXT), Math.min(lines.length, index + CONTEXT + 1)];
    const last = hunks.at(-1);
    if (last !== undefined && from <= last[1]) {
      last[1] = to;
    } else {
      hunks.push([from, to]);
    }
  }
  return hunks;
}

function printHunk(lines: readonly Line[], from: number, to: number): string {
  const count = (sign: "-" | "+", part: readonly Line[]): number =>
    part.filter((line) => line.sign === " " || line.sign === sign).length;
  const range = (sign: "-" | "+"): string => {
    const length = count(sign, lines.slice(from, to));
    const first = count(sign, lines.slice(0, from)) + (length === 0 ? 0 : 1);
    return `${sign}${first},${length}`;
  };
  const shown = lines.slice(from, to).map(({ sign, text }) => `${sign}${text}`);
  return [`@@ ${range("-")} ${range("+")} @@`, ...shown].join("\n");
}
