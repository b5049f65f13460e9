import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { createTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const urlOf = (file: string): string => JSON.stringify(pathToFileURL(join(ROOT, file)).href);

let folder: TemporaryFolder;
beforeAll(async () => {
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

/** Runs the command line in the project. */
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ending> {
  const program = ["--import", import.meta.resolve("tsx"), join(ROOT, "src/cli/powercrud.ts"), ...args];
  const options = { cwd: folder.path, env: { PATH: process.env["PATH"], ...env } };
  return new Promise((done) => {
    execFile(process.execPath, program, options, (error, out, failures) => {
      done({ code: Number(error?.code ?? 0), out, lines: failures.split("\n").filter(Boolean) });
    });
  });
}

const writeConfig = (text: string): Promise<void> =>
  writeFile(join(folder.path, "powercrud.config.ts"), text);

describe("a project with a powercrud.config.ts", () => {
  beforeEach(() =>
    writeConfig(`
      import { defineConfig } from ${urlOf("src/index.ts")};
      import demo from ${urlOf("powercrud.config.ts")};
      const size = { name: "POWERCRUD_SHELF_SIZE", meaning: "Books on a shelf.", expected: "a digit", fallback: 1,
        fallbackText: "1", parse: (text: string) => (/^\\d$/.test(text) ? Number(text) : undefined) };
      export default defineConfig({
        generated: demo.generated,
        models: { City: { plural: "towns" } },
        seed: { variables: { size }, run: async () => "seeded" },
      });`),
  );

  it("serves its own models", async () => {
    const { code, out } = await run(["print-schema"]);
    expect(code).toBe(0);
    expect(out).toContain("bulkDeleteTowns(");
    expect(out).not.toContain("bulkDeleteCities(");
  });

  it("documents and checks its own variables", async () => {
    const { out } = await run(["print-config-docs"]);
    expect(out).toContain("| `POWERCRUD_SHELF_SIZE` | 1 | a digit | Books on a shelf. |");
    expect(out).not.toContain("POWERCRUD_SEED_CITIES");
    expect(await run(["print-schema"], { POWERCRUD_SHELF_SIZE: "7" })).toMatchObject({ code: 0 });
    const { lines } = await run(["print-schema"], { POWERCRUD_SHELF_SIZE: "many", PORT: "http" });
    expect(lines).toEqual([
      'powercrud: PORT must be a whole number from 0 to 65535, but is "http"',
      'powercrud: POWERCRUD_SHELF_SIZE must be a digit, but is "many"',
    ]);
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

  it("a file that cannot be loaded, with the reason", async () => {
    await writeConfig("throw new Error('broken on purpose');");
    const { code, lines } = await run(["print-schema"]);
    expect(code).toBe(1);
    expect(lines).toEqual([
      expect.stringMatching(/^powercrud: .*powercrud\.config\.ts cannot be loaded: broken on purpose$/),
    ]);
    const diagnosis = await run(["doctor"], { POWERCRUD_UNKNOWN: "1" });
    expect(diagnosis.out).toContain("broken on purpose");
  });
});
