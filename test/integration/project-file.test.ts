import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { packedCommandLine } from "../support/packed-package.ts";
import { createTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const urlOf = (file: string): string => JSON.stringify(pathToFileURL(join(ROOT, file)).href);

let folder: TemporaryFolder;
beforeAll(async () => {
  // Packs it, if no other file has.
  await packedCommandLine();
  folder = await createTemporaryFolder("stranger");
  const manifest = { name: "stranger", type: "module", dependencies: { "powercrud-graphql": "*" } };
  await writeFile(join(folder.path, "package.json"), JSON.stringify(manifest));
});
afterAll(() => folder.remove());

interface Ending {
  readonly code: number;
  readonly out: string;
  readonly lines: readonly string[];
}

/** Runs the command line of the packed package in the project. */
async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ending> {
  const program = await packedCommandLine();
  const options = { cwd: folder.path, env: { PATH: process.env["PATH"], ...env } };
  return new Promise((done) => {
    execFile(process.execPath, [program, ...args], options, (error, out, failures) => {
      done({ code: Number(error?.code ?? 0), out, lines: failures.split("\n").filter(Boolean) });
    });
  });
}

const writeConfig = (text: string): Promise<void> =>
  writeFile(join(folder.path, "powercrud.config.ts"), text);

describe("a project with a powercrud.config.ts", () => {
  beforeEach(() =>
    writeConfig(`
      import { defineConfig } from "powercrud-graphql";
      import { generated } from ${urlOf("src/generated/powercrud.ts")};
      const size = { name: "POWERCRUD_SHELF_SIZE", meaning: "Books on a shelf.", expected: "a digit", fallback: 1,
        fallbackText: "1", parse: (text: string) => (/^\\d$/.test(text) ? Number(text) : undefined) };
      const key = { ...size, name: "POWERCRUD_SHELF_KEY", isSecret: true };
      export default defineConfig({
        generated,
        models: { City: { plural: "towns" } },
        seed: { variables: { size, key }, run: async () => "seeded" },
      });`),
  );

  it("serves its own models", async () => {
    const { code, out } = await run(["print-schema"]);
    expect(code).toBe(0);
    // option: models
    expect(out).toContain("bulkDeleteTowns(");
    expect(out).not.toContain("bulkDeleteCities(");
    const types = JSON.parse((await run(["print-schema", "--possible-types"])).out) as object;
    expect(types).toMatchObject({ UpsertCityResult: expect.arrayContaining(["UpsertCityPayload"]) });
  });

  it("documents and checks its own variables", async () => {
    const { out } = await run(["print-config-docs"]);
    // option: seed.variables.*.name
    // option: seed.variables.*.meaning
    // option: seed.variables.*.expected
    // option: seed.variables.*.fallbackText
    expect(out).toContain("| `POWERCRUD_SHELF_SIZE` | 1 | a digit | Books on a shelf. |");
    expect(out).not.toContain("POWERCRUD_SEED_CITIES");
    expect(await run(["print-schema"], { POWERCRUD_SHELF_SIZE: "7" })).toMatchObject({ code: 0 });
    const { lines } = await run(["print-schema"], {
      POWERCRUD_SHELF_SIZE: "many",
      POWERCRUD_SHELF_KEY: "sesame",
      PORT: "http",
    });
    expect(lines).toEqual([
      'powercrud: PORT must be a whole number from 0 to 65535, but is "http"',
      // option: seed.variables.*.parse
      'powercrud: POWERCRUD_SHELF_SIZE must be a digit, but is "many"',
      // option: seed.variables.*.isSecret
      "powercrud: POWERCRUD_SHELF_KEY must be a digit, but is set to something else",
    ]);
  });
});

describe("a schema that cannot be served", () => {
  const lacking = ["Country", "Language", "City", "Tag"].map(
    (model) => expect.stringMatching(new RegExp(`- Model ${model}: the database has no table`)) as string,
  );
  const reasons = [
    expect.stringContaining("The schema cannot be served, for 6 reasons:") as string,
    expect.stringContaining('- Model City: apiName cannot be "Task": the API needs it for itself.') as string,
    expect.stringContaining('- Model Tag: plural cannot be "tasks"') as string,
    ...lacking,
  ];

  beforeEach(async () => {
    await mkdir(join(folder.path, "prisma"), { recursive: true });
    await writeFile(
      join(folder.path, "prisma/schema.prisma"),
      'datasource db {\n  provider = "postgresql"\n}\n',
    );
    await writeConfig(`
      import { defineConfig } from "powercrud-graphql";
      import { generated } from ${urlOf("src/generated/powercrud.ts")};
      export default defineConfig({
        generated,
        models: { City: { apiName: "Task" }, Tag: { plural: "tasks" } },
      });`);
  });

  it("is refused with all reasons at once, and nothing after them, also with the embedded PostgreSQL", async () => {
    const { code, lines } = await run(["start"], {
      POWERCRUD_DATA_DIR: join(folder.path, "data"),
      PORT: "0",
    });
    expect(code).toBe(1);
    expect(lines.slice(-reasons.length)).toEqual(reasons);
  });

  it("is what the doctor finds, for programs, too", async () => {
    const { code, out } = await run(["doctor", "--json"], { POWERCRUD_DATA_DIR: join(folder.path, "data") });
    expect(code).toBe(1);
    const { checks } = JSON.parse(out) as { checks: { name: string; status: string; message: string }[] };
    const models = checks.find(({ name }) => name === "models");
    expect(models?.status).toBe("FAILED");
    expect(models?.message.split("\n")).toEqual(reasons);
  });
});

describe("the command line refuses", () => {
  it("a project without the file, in commands that serve models", async () => {
    await folder.remove();
    folder = await createTemporaryFolder("stranger");
    await writeFile(
      join(folder.path, "package.json"),
      JSON.stringify({ dependencies: { "powercrud-graphql": "*" } }),
    );
    const { code, lines } = await run(["print-schema"]);
    expect(code).toBe(1);
    expect(lines.join()).toContain("has no powercrud.config.ts");
    expect(lines.join()).toContain("docs/embedding.md");
  });

  it("a file with unknown members, each with the nearest name", async () => {
    await writeConfig(`
      import { defineConfig } from "powercrud-graphql";
      import demo from ${urlOf("powercrud.config.ts")};
      export default defineConfig({ generated: demo.generated, models: { Citty: {}, City: { plurals: "towns" } } });`);
    const { code, lines } = await run(["print-schema"]);
    expect(code).toBe(1);
    expect(lines).toEqual([
      "powercrud: powercrud.config.ts: models.Citty is not a model of the Prisma schema; did you mean City?",
      "powercrud: powercrud.config.ts: models.City.plurals is not an option; did you mean plural?",
    ]);
  });

  it("a file that cannot be loaded, with the reason", async () => {
    await writeConfig("throw new Error('broken on purpose');");
    const { code, lines } = await run(["print-schema"]);
    expect(code).toBe(1);
    expect(lines).toEqual([
      expect.stringMatching(/^powercrud: .*powercrud\.config\.ts cannot be loaded: broken on purpose$/),
    ]);
    await writeConfig("import { generated } from './generated/powercrud.ts';\nexport default { generated };");
    expect((await run(["print-schema"])).lines.join()).toMatch(
      /cannot be loaded: Cannot find module .*generated.powercrud\.ts.* Run: npx prisma generate$/,
    );
    await writeConfig("throw new Error('broken on purpose');");
    const diagnosis = await run(["doctor"], { POWERCRUD_UNKNOWN: "1" });
    expect(diagnosis.out).toContain("broken on purpose");
  });
});
