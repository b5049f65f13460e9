import { spawn } from "node:child_process";

/** A user of the operating system. */
export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/** How long the last words of a program may be on their way after it ended. */
const OUTPUT_GRACE_MS = 2000;

/**
 * Runs a program to its end and returns what it wrote. In a process group of its own, so that a terminal's Ctrl-C,
 * which goes to the whole group, does not cut it short: who stops it is decided here, not by the terminal.
 * @param user whose rights it has, instead of ours
 * @throws Error with the end of what it wrote, when it fails or cannot be started
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  user?: SystemUser,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      // The user may not be allowed into the folder that we are in.
      cwd: "/",
      detached: true,
      windowsHide: true,
      stdio: ["ignore", "pipe", "pipe"],
      ...user,
    });
    let output = "";
    const collect = (text: Buffer): void => {
      output = (output + text.toString()).slice(-10_000);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (code === 0) {
        resolve(output);
      } else {
        reject(new Error(`${program} ended with ${signal ?? code}: ${output.trim()}`));
      }
    };
    child.once("error", reject);
    // All that it wrote has come only at "close". A server that it leaves behind may hold on to the output, though,
    // so after its "exit" we do not wait for ever.
    child.once("close", finish);
    child.once("exit", (code, signal) => {
      setTimeout(finish, OUTPUT_GRACE_MS, code, signal).unref();
    });
  });
}
