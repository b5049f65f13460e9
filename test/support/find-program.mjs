import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * Where a program stands on this machine, by the first of its names that is found.
 *
 * @param {readonly string[]} names such as `["chromium", "google-chrome"]`
 * @param {string} path folders to look in, as in the environment variable `PATH`
 * @returns {string | undefined} its full path
 */
export function findProgram(names, path = process.env["PATH"] ?? "") {
  const folders = path.split(delimiter).filter((folder) => folder !== "");
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((file) => isExecutable(file));
}

/** The names under which systems install the browser. */
export const BROWSER_NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
