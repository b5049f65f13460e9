import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { codegen } from "@graphql-codegen/core";
import { preset } from "@graphql-codegen/client-preset";
import { buildSchema, parse } from "graphql";
import ts from "typescript";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { codeBlocks, markdownSection } from "../../support/markdown-code.ts";
import type { TemporaryFolder } from "../../support/temporary-folder.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { ClientFixture } from "./client-fixture.ts";
import { startClientFixture } from "./client-fixture.ts";

const ROOT = join(import.meta.dirname, "../../..");
const guide = await readFile(join(ROOT, "docs/clients.md"), "utf8");

let folder: TemporaryFolder;

beforeAll(async () => {
  folder = await createTemporaryFolder("typed-clients");
});
afterAll(() => folder.remove());

/** What TypeScript finds wrong with the program. */
function problemsOf(file: string): readonly string[] {
  const program = ts.createProgram([file], {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    target: ts.ScriptTarget.ES2022,
    types: [],
    // The folder has no packages of its own.
    paths: {
      graphql: [join(ROOT, "node_modules/graphql/index.d.ts")],
      "@graphql-typed-document-node/core": [
        join(ROOT, "node_modules/@graphql-typed-document-node/core/typings/index.d.ts"),
      ],
    },
  });
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

it("GraphQL Code Generator types every outcome of the guide's mutation, and refuses what is none", async () => {
  const [configCode = "", renameCode = ""] = codeBlocks(
    markdownSection(guide, "GraphQL Code Generator"),
    "ts",
  );
  const { outputText } = ts.transpileModule(configCode, {
    compilerOptions: { module: ts.ModuleKind.ESNext },
  });
  const place = join(folder.path, "codegen.mjs");
  await writeFile(place, outputText);
  const { default: config } = (await import(place)) as {
    default: { generates: Record<string, { config: Record<string, unknown> }> };
  };
  const [document = ""] = /mutation Rename[\s\S]*?\n(?=`)/.exec(renameCode) ?? [];
  const schema = parse(await readFile(join(ROOT, "schema.graphql"), "utf8"));
  const sections = await preset.buildGeneratesSection({
    baseOutputDir: "gql/",
    schema,
    schemaAst: buildSchema(await readFile(join(ROOT, "schema.graphql"), "utf8")),
    documents: [{ location: "rename.ts", document: parse(document), rawSDL: document }],
    config: config.generates["src/gql/"]?.config ?? {},
    presetConfig: {},
    plugins: [],
    pluginMap: {},
  });
  await mkdir(join(folder.path, "gql"), { recursive: true });
  for (const section of sections) {
    await writeFile(join(folder.path, section.filename), await codegen(section));
  }
  const file = join(folder.path, "rename.ts");
  await writeFile(file, renameCode);
  expect(problemsOf(file)).toEqual([]);
  await writeFile(
    file,
    renameCode.replace('=== "NOT_FOUND"', '=== "NOT_FUOND"').replace("city?.name", "city?.nmae"),
  );
  expect(problemsOf(file)).toEqual([
    expect.stringContaining("Property 'nmae' does not exist") as string,
    expect.stringContaining("have no overlap") as string,
  ]);
});

it("genql launches a change, and follows it to its end", async () => {
  const fixture: ClientFixture = await startClientFixture();
  try {
    const { generate } = createRequire(import.meta.url)("@genql/cli") as {
      generate(config: object): Promise<void>;
    };
    const quiet = vi.spyOn(console, "log").mockImplementation(() => undefined);
    const output = dirname(await fixture.place("genql", "genql/index.ts"));
    const file = join(dirname(output), "schema.graphql");
    await copyFile(join(ROOT, "schema.graphql"), file);
    await generate({ schema: file, output });
    quiet.mockRestore();
    const { note, follow, close } = (await fixture.load("genql", "follow.ts")) as unknown as {
      note(ids: string[], notes: string): Promise<string>;
      follow(id: string): Promise<unknown>;
      close(): Promise<void>;
    };
    const id = await note(["1", "2", "3"], "typed");
    expect(await withDeadline(follow(id), 20_000, "the end of the task")).toMatchObject({
      id,
      status: "SUCCEEDED",
      progress: { processed: 3, total: 3 },
    });
    await expect(note([], "nobody")).rejects.toThrow(/selection/);
    await close();
  } finally {
    await fixture.stop();
  }
});
