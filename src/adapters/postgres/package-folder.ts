import { existsSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

/** The folder that holds the package: the nearest one above a module that has a `package.json`. */
export function packageFolder(from: string): string {
  let folder = from;
  while (!existsSync(join(folder, "package.json"))) {
    folder = dirname(folder);
  }
  return folder;
}

/** The folder of its code, `src` or `dist`: the build joins files, so the place of a module in it says little. */
export function codeFolder(from: string): string {
  const root = packageFolder(from);
  const [name = ""] = relative(root, from).split(sep);
  return join(root, name);
}
