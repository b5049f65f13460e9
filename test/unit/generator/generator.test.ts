import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { GeneratorConfig, GeneratorOptions } from "@prisma/generator-helper";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { generateModule } from "../../../src/generator/generator.ts";
import type { TemporaryFolder } from "../../support/temporary-folder.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await createTemporaryFolder("generator");
});
afterEach(() => folder.remove());

function block(
  name: string,
  provider: string,
  output: string | undefined,
  config: Record<string, string> = {},
): GeneratorConfig {
  return {
    name,
    provider: { fromEnvVar: null, value: provider },
    output: output === undefined ? null : { fromEnvVar: null, value: join(folder.path, output) },
    isCustomOutput: output !== undefined,
    config,
    binaryTargets: [],
    previewFeatures: [],
    sourceFilePath: "schema.prisma",
  };
}

/** Runs the generator on a schema without models. */
async function generate(
  clients: readonly GeneratorConfig[],
  output = "generated/powercrud.ts",
  activeProvider = "postgresql",
): Promise<void> {
  await generateModule({
    generator: block("powercrud", "powercrud-generator", output),
    otherGenerators: clients,
    datasources: [{ activeProvider }],
    dmmf: { datamodel: { models: [], enums: [], types: [], indexes: [] } },
    datamodel: "",
  } as unknown as GeneratorOptions);
}

const read = (file: string): Promise<string> => readFile(join(folder.path, file), "utf8");

describe("the module imports the project's client", () => {
  test.each([
    ["prisma-client", "generated/prisma", { importFileExtension: "ts" }, "./prisma/client.ts"],
    ["prisma-client", "src/db", { importFileExtension: "" }, "../src/db/client"],
    ["prisma-client-js", "generated/prisma", {}, "./prisma/index.js"],
    ["prisma-client-js", undefined, {}, "@prisma/client"],
  ])("of %s in %s, %j: %s", async (provider, output, config, module) => {
    await generate([block("other", "dbml", "x"), block("client", provider, output, config)]);
    expect(await read("generated/powercrud.ts")).toContain(`import { PrismaClient } from "${module}";`);
  });

  test.each([
    ["ts", ".js", "powercrud.ts"],
    ["mts", "", "powercrud.mts"],
  ])("with the extension that its generator found out: client.%s, %j", async (written, imported, module) => {
    const client = block("client", "prisma-client", "generated/prisma", { generatedFileExtension: written });
    await mkdir(join(folder.path, "generated/prisma"), { recursive: true });
    await writeFile(
      join(folder.path, `generated/prisma/client.${written}`),
      `import * as $Class from "./internal/class${imported}"`,
    );
    await generate([client], "generated");
    expect(await read(`generated/${module}`)).toContain(`from "./prisma/client${imported}";`);
  });
});

test("a module that would not change is left as it is", async () => {
  const clients = [block("client", "prisma-client-js", undefined)];
  await generate(clients);
  const { mtimeNs } = await stat(join(folder.path, "generated/powercrud.ts"), { bigint: true });
  await generate(clients);
  expect((await stat(join(folder.path, "generated/powercrud.ts"), { bigint: true })).mtimeNs).toBe(mtimeNs);
});

test("what cannot be generated is refused with a sentence", async () => {
  const client = block("client", "prisma-client", "prisma");
  await expect(generate([])).rejects.toThrow('The schema has no generator with the provider "prisma-client"');
  await expect(generate([client])).rejects.toThrow(
    'The generator "client" must stand before the generator "powercrud", which imports what it writes.',
  );
  await expect(generate([client], "generated/powercrud.js")).rejects.toThrow(
    '"powercrud.js" must end in .ts',
  );
  await expect(generate([client], "generated", "mysql")).rejects.toThrow(
    `powercrud-graphql needs PostgreSQL, but the datasource's provider is "mysql".`,
  );
});
