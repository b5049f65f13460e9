import cliProgress from "cli-progress";
import type { Options, Params } from "cli-progress";

// Node finds no export of this name in the package's CommonJS.
const { Format, Presets, SingleBar } = cliProgress;

/** How far something has come. */
export interface ShownProgress {
  readonly done: number;
  /** Null where it is not known. */
  readonly total: number | null;
  readonly message?: string | null;
}

/** Shows one work's progress to the operator. */
export interface ProgressDisplay {
  update(progress: ShownProgress): void;
  /** Says a line beside the progress. */
  say(line: string): void;
  /** Restores the terminal. */
  end(): void;
}

/** Without a terminal, the number of lines after the first. */
const PARTS = 5;

/**
 * A bar on a terminal, and a few lines anywhere else.
 * @param title names the work: `seeding`
 * @param unit what is counted, with a space before it: ` records`
 */
export function showProgress(
  stream: NodeJS.WriteStream,
  say: (line: string) => void,
  title: string,
  unit = "",
): ProgressDisplay {
  return stream.isTTY ? showBar(stream, say, title) : showLines(say, title, unit);
}

function showBar(stream: NodeJS.WriteStream, say: (line: string) => void, title: string): ProgressDisplay {
  let shown: ShownProgress | undefined;
  const format = (options: Options, params: Params): string => {
    const { total = 0, message = null } = shown ?? {};
    const words = message === null ? "" : ` ${message}`;
    if (total === null) {
      return `${title} ${params.value} done${words}`;
    }
    const percentage = Math.floor(params.progress * 100);
    return `${title} ${Format.BarFormat(params.progress, options)} ${percentage}% ${params.value}/${total}${words}`;
  };
  const bar = new SingleBar({ stream, format, hideCursor: true }, Presets.shades_classic);
  return {
    update(progress) {
      shown = progress;
      if (!bar.isActive) {
        bar.start(progress.total ?? 0, progress.done);
        return;
      }
      bar.setTotal(progress.total ?? 0);
      bar.update(progress.done);
    },
    say(line) {
      // The next update draws the bar anew, below the line.
      bar.stop();
      say(line);
    },
    end: () => bar.stop(),
  };
}

function showLines(say: (line: string) => void, title: string, unit: string): ProgressDisplay {
  let saidPart = -1;
  let saidMessage: string | null = null;
  return {
    update({ done, total, message = null }) {
      const part = partOf(done, total);
      if (part > saidPart || message !== saidMessage) {
        saidPart = part;
        saidMessage = message;
        const counted = total === null ? `${done} done` : `${done} of ${total}${unit}`;
        say(`${title}: ${counted}${message === null ? "" : `, ${message}`}`);
      }
    },
    say,
    end: () => undefined,
  };
}

/** Fifths of the total; without a total, how often the count has doubled. */
function partOf(done: number, total: number | null): number {
  return total === null ? Math.floor(Math.log2(done + 1)) : Math.floor((done / Math.max(1, total)) * PARTS);
}
