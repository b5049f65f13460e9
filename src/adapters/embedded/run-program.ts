import { spawn } from "node:child_process";

/** A user of the operating system. */
export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/** How long to wait for the rest of the output after the program has ended. */
const OUTPUT_GRACE_MS = 2000;

/**
 * Runs a program to its end and returns its output. It gets a process group of its own, so that Ctrl-C in a terminal,
 * which goes to the whole group, does not stop it.
 * @param user the user that it runs as, instead of ours
 * @throws Error with the end of its output, when it fails or cannot be started
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  user?: SystemUser,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      // The user may not be allowed to enter our working folder.
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
    // The output is complete at "close". But a server that the program leaves behind may keep the output open, so after
    // "exit" the wait is limited.
    child.once("close", finish);
    child.once("exit", (code, signal) => {
      setTimeout(finish, OUTPUT_GRACE_MS, code, signal).unref();
    });
  });
}
