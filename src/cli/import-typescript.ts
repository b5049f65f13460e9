import { pathToFileURL } from "node:url";

/** False in a checkout, where this code is TypeScript itself, so that what runs it also loads the project's. */
const IS_COMPILED = import.meta.filename.endsWith(".js");

/** The modules of this package by their names, so that the project gets the instance that serves it. */
const OURSELVES = Object.fromEntries(
  ["index", "server", "testing"].map((entry) => [
    entry === "index" ? "powercrud-graphql" : `powercrud-graphql/${entry}`,
    new URL(`../${entry}.js`, import.meta.url).href,
  ]),
);

/**
 * Imports a TypeScript module of the project, with everything that it imports, on every supported version of Node. Packages
 * are loaded by Node itself, so the project and the service share one instance of each.
 * @param file absolute
 * @throws any error of the module, and those of its syntax
 */
export async function importTypeScript(file: string): Promise<Readonly<Record<string, unknown>>> {
  if (!IS_COMPILED) {
    return (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  }
  const { createJiti } = await import("jiti");
  // Lines stay where they are, so errors need no source maps.
  const loader = createJiti(import.meta.url, { interopDefault: false, sourceMaps: false, alias: OURSELVES });
  return await loader.import(pathToFileURL(file).href);
}
