import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { createTemporaryFolder } from "../../../support/temporary-folder.ts";

const SRC = join(import.meta.dirname, "../../../../src");

/** A fault in a copy of the sources. */
interface Fault {
  /** Below src/. */
  readonly file: string;
  /** What stands in the file, once. */
  readonly right: string;
  /** What stands there in the copy. */
  readonly wrong: string;
}

/**
 * Imports a module of the core from a copy in which one place is wrong. The product has no switch for it.
 * @param path of the module below src/
 * @throws when the fault does not fit the file any more
 */
export async function withFault<Module>(path: string, { file, right, wrong }: Fault): Promise<Module> {
  const folder = await createTemporaryFolder("fault");
  onTestFinished(() => folder.remove());
  for (const floor of ["core", "kernel"]) {
    await cp(join(SRC, floor), join(folder.path, floor), { recursive: true });
  }
  const text = await readFile(join(folder.path, file), "utf8");
  const parts = text.split(right);
  if (parts.length !== 2) {
    throw new Error(`${file} has ${parts.length - 1} places with ${right}: plant the fault anew`);
  }
  await writeFile(join(folder.path, file), parts.join(wrong));
  return (await import(join(folder.path, path))) as Module;
}
