import { spawn } from "node:child_process";
import { copyFile, cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { codegen } from "@graphql-codegen/core";
import { preset } from "@graphql-codegen/client-preset";
import type { DocumentNode } from "graphql";
import { buildSchema, parse } from "graphql";
import ts from "typescript";
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from "vitest";
import { createApiKey, KEY_SCOPES } from "../../../src/compose/manage-keys.ts";
import { completeConfig } from "../../../src/config/config.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import type { TemporaryFolder } from "../../support/temporary-folder.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { ClientFixture } from "./client-fixture.ts";
import { CITY_COUNT, startClientFixture } from "./client-fixture.ts";

const ROOT = join(import.meta.dirname, "../../..");
const EXAMPLE = join(ROOT, "client-examples/node-backend");

let fixture: ClientFixture;
let folder: TemporaryFolder;

beforeAll(async () => {
  fixture = await startClientFixture();
  folder = await createTemporaryFolder("node-backend");
  await cp(EXAMPLE, folder.path, {
    recursive: true,
    filter: (path) => !["/node_modules", "/gql"].some((name) => path.endsWith(name)),
  });
  await symlink(join(ROOT, "node_modules"), join(folder.path, "node_modules"));
  await writeTypes();
});
afterAll(async () => {
  await fixture.stop();
  await folder.remove();
});

/** What the example's `npm run generate` does, without the command line, which is not installed here. */
async function writeTypes(): Promise<void> {
  const { default: config } = (await import(join(EXAMPLE, "codegen.ts"))) as {
    default: { generates: Record<string, { config: Record<string, unknown> }> };
  };
  const schema = await readFile(join(ROOT, "schema.graphql"), "utf8");
  const documents = await Promise.all(
    ["sync.ts", "tasks.ts"].map(async (name) => {
      const code = await readFile(join(folder.path, "src", name), "utf8");
      return [...code.matchAll(/graphql\(`([^`]*)`\)/g)].map(([, rawSDL = ""]) => ({
        location: name,
        document: parse(rawSDL),
        rawSDL,
      }));
    }),
  );
  const sections = await preset.buildGeneratesSection({
    baseOutputDir: `${folder.path}/src/gql/`,
    schema: parse(schema),
    schemaAst: buildSchema(schema),
    documents: documents.flat(),
    config: config.generates["src/gql/"]?.config ?? {},
    presetConfig: {},
    plugins: [],
    pluginMap: {},
  });
  await mkdir(join(folder.path, "src/gql"));
  for (const section of sections) {
    await writeFile(section.filename, await codegen(section));
  }
}

/** Kept for its libraries, which take the most of its time. */
let program: ts.Program | undefined;

/** What TypeScript finds wrong with the example. */
function problems(): readonly string[] {
  const options = {
    strict: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    target: ts.ScriptTarget.ES2023,
    types: ["node"],
  };
  const files = ["src/sync.ts", "src/sse.ts", "codegen.ts"].map((name) => join(folder.path, name));
  program = ts.createProgram(files, options, undefined, program);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))
    .filter((problem) => !problem.includes("@graphql-codegen/cli"));
}

it("the backend in Node has types for every outcome", () => {
  expect(problems()).toEqual([]);
});

it("the backend in Node is refused what is no outcome", async () => {
  const place = join(folder.path, "src/sync.ts");
  const code = await readFile(place, "utf8");
  await writeFile(
    place,
    code
      .replace('"CONSTRAINT_VIOLATED"', '"CONSTRAINT_VIOLATD"')
      .replace(".totalConflicts", ".totalConflict"),
  );
  expect(problems()).toEqual([
    expect.stringContaining("Property 'totalConflict' does not exist") as string,
    expect.stringContaining("have no overlap") as string,
  ]);
  await writeFile(place, code);
});

it("the backend in Node waits for a conflict's task, mends what fails, and retries it, with an API key", async () => {
  const key = await createApiKey(
    { databaseUrl: fixture.databaseUrl, config: completeConfig(), logger: createSilentLogger() },
    { name: "sync", viewer: { id: "sync", roles: [] }, scopes: KEY_SCOPES },
  );
  const records = Array.from({ length: CITY_COUNT }, (_none, at) => ({
    id: String(at + 1),
    data: at === 4 ? { countryCode: "XA" } : { population: 1000 + at },
  }));
  const file = join(folder.path, "records.json");
  await writeFile(file, JSON.stringify(records));
  const release = await fixture.holdCity(1);
  await fixture.execute(`mutation {
    bulkUpdateCities(selection: {ids: ["1", "2"]}, data: {notes: {set: "first"}}, options: {mode: ASYNC, label: "Holder"})
      { ... on TaskLaunched { task { id } } }
  }`);
  const child = spawn(process.execPath, ["--import", "tsx", "src/sync.ts", file], {
    cwd: folder.path,
    env: { PATH: process.env["PATH"], POWERCRUD_URL: fixture.url, POWERCRUD_API_KEY: key?.text },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill());
  const lines: string[] = [];
  const ended = (async () => {
    for await (const line of createInterface(child.stdout)) {
      lines.push(line);
      if (line === "2 cities are held by Holder") {
        await release();
      }
    }
  })();
  await withDeadline(ended, 50_000, "the end of the example");
  expect(lines.filter((line) => /held|added|done/.test(line))).toEqual([
    "2 cities are held by Holder",
    "added country XA",
    "done: SUCCEEDED",
  ]);
  expect(lines).toContain(`PARTIAL ${CITY_COUNT}/${CITY_COUNT}`);
  expect(lines.at(-2)).toBe("SUCCEEDED 1/1");
  const { tasks } = (await fixture.execute(
    `{ tasks(where: {createdBy: "sync"}) { nodes { kind status retryOf { status } } } }`,
  )) as { tasks: { nodes: unknown } };
  expect(tasks.nodes).toMatchObject([
    { kind: "bulkUpdateEach", status: "SUCCEEDED", retryOf: { status: "PARTIAL" } },
    { kind: "bulkUpdateEach", status: "PARTIAL", retryOf: null },
  ]);
  const cities = await fixture.query(
    "SELECT population, country_code, notes FROM city WHERE id IN (2, 5) ORDER BY id",
  );
  expect(cities).toEqual([
    { population: 1001, country_code: "FR", notes: "first" },
    { population: 0, country_code: "XA", notes: null },
  ]);
});

/** Its `subscribe`, with a document whose types do not matter here. */
type Subscribe = (
  document: DocumentNode,
  variables: object,
  client: unknown,
) => AsyncIterable<{ readonly taskProgress: { readonly status: string } }>;

it("the backend in Node subscribes over Server-Sent Events, too, and is told why it is refused", async () => {
  const source = join(folder.path, "src");
  const code = await readFile(join(source, "sse.ts"), "utf8");
  await writeFile(
    join(source, "refused.ts"),
    code.replace("headers: credentials", 'headers: { authorization: "Bearer pck_wrong" }'),
  );
  vi.stubEnv("POWERCRUD_URL", fixture.url);
  onTestFinished(() => void vi.unstubAllEnvs());
  const { subscribe } = (await import(join(source, "service.ts"))) as { subscribe: Subscribe };
  const { events } = (await import(join(source, "sse.ts"))) as { events: unknown };
  const refused = (await import(join(source, "refused.ts"))) as { events: unknown };
  const release = await fixture.holdCity(9);
  const { bulkUpdateCities } = (await fixture.execute(`mutation {
    bulkUpdateCities(selection: {ids: ["9", "10", "11"]}, data: {notes: {set: "sse"}}, options: {mode: ASYNC})
      { ... on TaskLaunched { task { id } } }
  }`)) as { bulkUpdateCities: { task: { id: string } } };
  const variables = { id: bulkUpdateCities.task.id };
  const document = parse("subscription ($id: ID!) { taskProgress(id: $id) { status } }");
  const states: string[] = [];
  const followed = (async () => {
    for await (const { taskProgress } of subscribe(document, variables, events)) {
      states.push(taskProgress.status);
      await release();
    }
  })();
  await withDeadline(followed, 20_000, "the end of the task");
  expect(states[0]).not.toBe("SUCCEEDED");
  expect(states.at(-1)).toBe("SUCCEEDED");
  const results = subscribe(document, variables, refused.events)[Symbol.asyncIterator]();
  await expect(withDeadline(results.next(), 10_000, "the refusal")).rejects.toMatchObject({
    code: "UNAUTHENTICATED",
  });
});

it("genql reads a list, launches a change, and follows it to its end over WebSocket and SSE", async () => {
  const { generate } = createRequire(import.meta.url)("@genql/cli") as {
    generate(config: object): Promise<void>;
  };
  const quiet = vi.spyOn(console, "log").mockImplementation(() => undefined);
  const output = dirname(await fixture.place("genql", "genql/index.ts"));
  const file = join(dirname(output), "schema.graphql");
  await copyFile(join(ROOT, "schema.graphql"), file);
  await generate({ schema: file, output });
  quiet.mockRestore();
  const { largest, note, follow, close, events } = (await fixture.load(
    "genql",
    "follow.ts",
    "sse.ts",
  )) as unknown as {
    largest(countryCode: string, first: number): Promise<unknown>;
    note(ids: string[], notes: string): Promise<string>;
    follow(id: string, subscriptions?: unknown): Promise<unknown>;
    close(): Promise<void>;
    events: unknown;
  };
  await fixture.query("UPDATE city SET population = 5000 + id WHERE id IN (20, 21)");
  expect(await largest("FR", 2)).toEqual([
    { id: "21", name: "City 21", country: { name: "France" } },
    { id: "20", name: "City 20", country: { name: "France" } },
  ]);
  const id = await note(["1", "2", "3"], "typed");
  expect(await withDeadline(follow(id), 20_000, "the end of the task")).toMatchObject({
    id,
    status: "SUCCEEDED",
    progress: { processed: 3, total: 3 },
  });
  const release = await fixture.holdCity(4);
  const held = await note(["4"], "typed");
  const followed = follow(held, events);
  await release();
  expect(await withDeadline(followed, 20_000, "the end of the task, over SSE")).toMatchObject({
    id: held,
    status: "SUCCEEDED",
  });
  await expect(note([], "nobody")).rejects.toThrow(/selection/);
  await close();
});
