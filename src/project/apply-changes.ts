import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { AppError } from "../kernel/app-error.ts";
import type { TextChange } from "./diff-text.ts";

/**
 * Makes the changes. Files that exist keep their mode.
 * @throws AppError START_FAILED for a file that has changed since the plan was made; those before it are changed
 */
export async function applyChanges(dir: string, changes: readonly TextChange[]): Promise<void> {
  for (const { path, before, after } of changes) {
    const file = join(dir, path);
    if ((await readFile(file, "utf8").catch(() => undefined)) !== before) {
      throw new AppError("START_FAILED", `${path} has changed meanwhile; run init again`);
    }
    await mkdir(dirname(file), { recursive: true });
    // For new files only. The database's password is nobody else's to read.
    await writeFile(file, after, { mode: path === ".env" ? 0o600 : 0o666 });
  }
}
