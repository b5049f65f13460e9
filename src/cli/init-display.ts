import type { Writable } from "node:stream";

/** How `init` shows what it does. */
export interface InitDisplay {
  begin(title: string): void;
  /** Shows a step while it runs, and its result. @param work returns a sentence about the result */
  step(label: string, work: () => Promise<string>): Promise<void>;
  /** A text of several lines under a title. */
  show(title: string, text: string): void;
  warn(text: string): void;
  /** Asks a question that is answered with yes or no; no terminal, no question: then the answer is yes. */
  confirm(question: string): Promise<boolean>;
  end(text: string): void;
}

/** What tells whether somebody watches. */
interface DisplayOptions {
  readonly stream: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes a line where nobody watches. */
  readonly print: (line: string) => void;
}

/** A moving display in a terminal, and plain lines in a script, in a log, and with CI. */
export async function createInitDisplay({ stream, env, print }: DisplayOptions): Promise<InitDisplay> {
  const isWatched = stream.isTTY === true && !isSet(env["CI"]) && env["TERM"] !== "dumb";
  return isWatched ? createMovingDisplay(stream) : createPlainDisplay(print);
}

function isSet(text: string | undefined): boolean {
  return text !== undefined && text !== "" && text !== "false" && text !== "0";
}

async function createMovingDisplay(output: Writable): Promise<InitDisplay> {
  const { confirm, intro, isCancel, log, outro, spinner } = await import("@clack/prompts");
  return {
    begin: (title) => intro(title, { output }),
    async step(label, work) {
      const line = spinner({ output, indicator: "timer" });
      line.start(label);
      try {
        line.stop(await work());
      } catch (error) {
        line.error(label);
        throw error;
      }
    },
    show(title, text) {
      log.step(title, { output });
      // Without a frame, so that diffs and commands can be copied.
      output.write(`\n${text}\n\n`);
    },
    warn: (text) => log.warn(text, { output }),
    async confirm(question) {
      const answer = await confirm({ message: question, output });
      return !isCancel(answer) && answer;
    },
    end: (text) => outro(text, { output }),
  };
}

function createPlainDisplay(print: (line: string) => void): InitDisplay {
  return {
    begin: (title) => print(title),
    async step(label, work) {
      print(`- ${label}`);
      print(`  ${await work()}`);
    },
    show(title, text) {
      print(`${title}:`);
      text.split("\n").forEach((line) => print(line));
    },
    warn: (text) => text.split("\n").forEach((line) => print(`! ${line}`)),
    confirm: () => Promise.resolve(true),
    end: (text) => print(text),
  };
}
