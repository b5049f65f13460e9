import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import type { GeneratorConfig, GeneratorOptions } from "@prisma/generator-helper";
import helper from "@prisma/generator-helper";
import { describeSchema } from "./describe-schema.ts";
import { lostAnnotations } from "./lost-annotations.ts";
import { printModule } from "./print-module.ts";

/** Where the module is written if the generator's block does not say: seen from the schema's folder. */
const DEFAULT_OUTPUT = "../generated/powercrud.ts";
const SCRIPT = /\.[cm]?ts$/;

/** The Prisma generator `powercrud`: answers `prisma generate`, which runs this program, until its input ends. */
export function serveGenerator(): void {
  helper.generatorHandler({
    onManifest: () => ({ prettyName: "PowerCRUD", defaultOutput: DEFAULT_OUTPUT }),
    onGenerate: generateModule,
  });
}

/**
 * Writes the module.
 * @throws Error with a sentence for the developer, which `prisma generate` prints
 */
export async function generateModule(options: GeneratorOptions): Promise<void> {
  const provider = options.datasources[0]?.activeProvider;
  if (provider !== undefined && provider !== "postgresql") {
    throw new Error(`powercrud-graphql needs PostgreSQL, but the datasource's provider is "${provider}".`);
  }
  const lost = lostAnnotations(options.datamodel);
  if (lost.length > 0) {
    throw new Error(
      `Prisma drops annotations of the schema, so what they say would not be done.\n${lost.join("\n")}`,
    );
  }
  const client = findClient(options.otherGenerators);
  const file = outputFile(options.generator, client);
  const schema = describeSchema(options.dmmf.datamodel, options.datamodel);
  const text = printModule(schema, await clientModule(client, dirname(file)));
  // An unchanged file keeps its time, so that watchers do not start anew.
  if ((await readFile(file, "utf8").catch(() => undefined)) !== text) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

const CLIENT_PROVIDERS = ["prisma-client", "prisma-client-js"];

function findClient(generators: readonly GeneratorConfig[]): GeneratorConfig {
  const client = generators.find(({ provider }) => CLIENT_PROVIDERS.includes(provider.value ?? ""));
  if (client === undefined) {
    throw new Error('The schema has no generator with the provider "prisma-client", which powercrud needs.');
  }
  return client;
}

/** The output of the block: a file, or a folder for `powercrud.ts`. */
function outputFile({ output }: GeneratorConfig, client: GeneratorConfig): string {
  const path = output?.value ?? DEFAULT_OUTPUT;
  if (SCRIPT.test(path)) {
    return path;
  }
  if (/\.[cm]?js$/.test(path)) {
    throw new Error(
      `The generator "powercrud" writes TypeScript, so its output "${basename(path)}" must end in .ts.`,
    );
  }
  return join(path, `powercrud.${memberOf(client, "generatedFileExtension") ?? "ts"}`);
}

/** How a module in the folder imports the client. */
async function clientModule(client: GeneratorConfig, folder: string): Promise<string> {
  const output = client.output?.value ?? "";
  if (client.provider.value === "prisma-client-js") {
    return client.isCustomOutput === true ? `${relativePath(folder, output)}/index.js` : "@prisma/client";
  }
  return `${relativePath(folder, output)}/client${await importExtension(client, output)}`;
}

/**
 * The extension in the imports of the project's TypeScript. Where the client's block does not say, its generator has found it
 * out from the `tsconfig.json`, and used it in the client.
 */
async function importExtension(client: GeneratorConfig, output: string): Promise<string> {
  const stated = memberOf(client, "importFileExtension");
  if (stated !== undefined) {
    return stated === "" ? "" : `.${stated}`;
  }
  const file = join(output, `client.${memberOf(client, "generatedFileExtension") ?? "ts"}`);
  const text = await readFile(file, "utf8").catch(() => "");
  const found = /from ["']\.\/internal\/class(\.\w+)?["']/.exec(text);
  if (found === null) {
    throw new Error(
      `The generator "${client.name}" must stand before the generator "powercrud", which imports what it writes.`,
    );
  }
  return found[1] ?? "";
}

function memberOf({ config }: GeneratorConfig, name: string): string | undefined {
  const value = config[name];
  return typeof value === "string" ? value : undefined;
}

/** `./prisma`, also on Windows. */
function relativePath(from: string, to: string): string {
  const path = relative(from, to).replaceAll("\\", "/");
  return path.startsWith(".") ? path : `./${path}`;
}
