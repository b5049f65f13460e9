import { Presets, SingleBar } from "cli-progress";

/** Shows how far the seed is. */
export interface SeedProgress {
  update(doneCount: number, totalCount: number): void;
  /** Puts the terminal in order. */
  end(): void;
}

/** Without a terminal, one line for so many parts of the whole. */
const PARTS = 5;

/** A bar on a terminal, and a few lines anywhere else. */
export function showSeedProgress(stream: NodeJS.WriteStream, say: (line: string) => void): SeedProgress {
  return stream.isTTY ? showBar(stream) : showLines(say);
}

function showBar(stream: NodeJS.WriteStream): SeedProgress {
  const bar = new SingleBar(
    { stream, format: "seeding the demo data {bar} {percentage}% {value}/{total}", hideCursor: true },
    Presets.shades_classic,
  );
  return {
    update(doneCount, totalCount) {
      if (bar.isActive) {
        bar.update(doneCount);
      } else {
        bar.start(totalCount, doneCount);
      }
    },
    end: () => bar.stop(),
  };
}

function showLines(say: (line: string) => void): SeedProgress {
  let saidCount = -1;
  return {
    update(doneCount, totalCount) {
      const part = Math.floor((doneCount / Math.max(1, totalCount)) * PARTS);
      if (part > saidCount) {
        saidCount = part;
        say(`seeding the demo data: ${doneCount} of ${totalCount} records`);
      }
    },
    end: () => undefined,
  };
}
