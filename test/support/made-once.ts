import { existsSync } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

/** A lock of this age belongs to a process that died: what is made takes seconds. */
const LOCK_MAX_AGE_MS = 120_000;

/**
 * Makes a file that several processes need, once: the others wait for it.
 * @param file stands for all that is made, and is made last
 */
export async function madeOnce(file: string, make: () => Promise<void>): Promise<void> {
  const lock = `${file}.lock`;
  while (!existsSync(file)) {
    if (await takeLock(lock)) {
      try {
        if (!existsSync(file)) {
          await make();
        }
      } finally {
        await rm(lock, { recursive: true, force: true });
      }
    } else {
      await delay(100);
    }
  }
}

async function takeLock(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch {
    const taken = await stat(path).catch(() => undefined);
    if (taken !== undefined && Date.now() - taken.mtimeMs > LOCK_MAX_AGE_MS) {
      await rm(path, { recursive: true, force: true });
    }
    return false;
  }
}
