import { execFile } from "node:child_process";
import { createWriteStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Command } from "commander";
import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import { addTaskCommands } from "../../src/cli/task-commands.ts";
import { completeConfig } from "../../src/config/config.ts";
import { createPowerCrud, defineConfig, migrateDatabase } from "../../src/index.ts";
import { codeBlocks, markdownSection } from "../support/markdown-code.ts";
import type { CommandAnswer } from "../support/run-command.ts";
import { runCommand } from "../support/run-command.ts";
import type { TemporaryFolder } from "../support/temporary-folder.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";

const HEAD = "id,name,countryCode,population,latitude,longitude";
const config = defineConfig({
  ...demoConfig,
  models: {
    ...demoConfig.models,
    Country: {
      access: { create: ({ viewer }) => viewer.roles.includes("editor") },
      validate: (_record, { name }) =>
        name?.set === "Atlantis" ? [{ message: "Atlantis has sunk.", field: "name" }] : undefined,
      hooks: {
        beforeCreate: ({ records }) =>
          records.map(({ id, change }) =>
            change["capital"]?.set === "none"
              ? { id, message: "A country has a capital.", field: "capital" }
              : { id, values: { currency: "EUR" } },
          ),
      },
    },
  },
});

let database: TestDatabase;
let sql: Client;
let folder: TemporaryFolder;

beforeAll(async () => {
  // The commands refuse a database without a history of migrations.
  database = await createTestDatabase({ isEmpty: true });
  await migrateDatabase({ databaseUrl: database.url, projectDir: process.cwd() });
  sql = new Client(database.url);
  await sql.connect();
  await sql.query("INSERT INTO country (code, name, continent) VALUES ('FR', 'France', 'EUROPE')");
  folder = await createTemporaryFolder("import");
});
afterAll(async () => {
  await folder.remove();
  await sql.end();
  await database.drop();
});
beforeEach(() => sql.query("DELETE FROM city"));

const pathOf = (name: string): string => join(folder.path, name);

/** Runs the words of a command line, in the folder of the test's files. */
async function run(words: readonly string[], stopSignal?: AbortSignal): Promise<CommandAnswer> {
  let answer: CommandAnswer | undefined;
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  addTaskCommands(program, async (command) => {
    const settings = completeConfig({ progressIntervalMs: 0 });
    const how = { databaseUrl: database.url, settings, project: config };
    answer = await runCommand(command, stopSignal === undefined ? how : { ...how, stopSignal });
  });
  await program.parseAsync(words, { from: "user" });
  if (answer === undefined) {
    throw new Error("no command was run");
  }
  return answer;
}

/** Writes the file, and imports it with these options. */
async function importing(
  content: string | Uint8Array,
  options: readonly string[],
  name = "cities.csv",
): Promise<CommandAnswer> {
  await writeFile(pathOf(name), content);
  return run(["import", pathOf(name), "--model", "City", ...options]);
}

async function cities(): Promise<readonly Record<string, unknown>[]> {
  return (await sql.query("SELECT id, name, population, latitude, notes FROM city ORDER BY id")).rows;
}

it("is used as the guide says, and its failed rows are mended and sent again", async () => {
  const guide = markdownSection(await readFile("docs/import-export.md", "utf8"), "Import");
  const line = codeBlocks(guide, "sh")[0]
    ?.split("\n")
    .find((each) => each.startsWith("npx powercrud"));
  const [, , ...words] = (line ?? "").split(" ");
  const placed = words.map((word) => (word.endsWith(".csv") ? pathOf(word) : word));
  await writeFile(pathOf("cities.csv"), `${HEAD}\n1,Paris,FR,2100000,48.8,2.3\n2,Lyon,FR,many,45.7,4.8\n`);
  const first = await run(placed);
  expect(first).toEqual({
    printed: [
      expect.stringMatching(/^launched task [0-9a-f-]{36}$/),
      "PARTIAL bulkUpsert, 2 of 2 done, 1 failed",
      expect.stringContaining("failed; the other"),
      expect.stringMatching(/^ {2}FAILED: City.population: "many"/),
    ],
    said: expect.arrayContaining([expect.stringMatching(/^sending: \d+ of \d+ bytes$/)]),
    exitCode: 1,
  });
  const failed = await readFile(pathOf("failed.csv"), "utf8");
  expect(failed.split("\r\n").map((each) => each.split(",").at(0))).toEqual(["_line", "3", ""]);
  await writeFile(pathOf("cities.csv"), failed.replace(",many,", ",500000,"));
  const second = await run(placed);
  expect([second.exitCode, second.printed[1]]).toEqual([0, "SUCCEEDED bulkUpsert, 1 of 1 done"]);
  expect((await readFile(pathOf("failed.csv"), "utf8")).split("\r\n")).toEqual([
    `_line,_field,_reason,${HEAD}`,
    "",
  ]);
  expect(await cities()).toMatchObject([{ name: "Paris" }, { name: "Lyon", population: 500_000 }]);
});

it("takes every dialect, a mapping, and a label", async () => {
  const text =
    "Nummer|Ort|countryCode|population|latitude|longitude|notes|updatedAt\n7|*Zürich | Süd*|FR|5|47,5|8,5|'=1+1|x";
  const dialect =
    "--operation create --format csv --separator pipe --quote * --encoding iso-8859-1 --decimal-comma true --empty text --formulas plain --time-offset +02:00 --max-affected 1 --json";
  const mapping = ["--mapping", '{"Nummer": "id", "Ort": "name"}', "--label", "by hand"];
  const options = [...dialect.split(" "), ...mapping];
  const answer = await importing(Buffer.from(text, "latin1"), options, "cities.dat");
  expect(answer.said.at(-1)).toBe("read-only columns, of which nothing is taken: updatedAt");
  expect(JSON.parse(answer.printed.join("\n"))).toMatchObject({
    status: "SUCCEEDED",
    label: "by hand",
    errors: [],
  });
  expect(await cities()).toEqual([
    { id: 7, name: "Zürich | Süd", population: 5, latitude: 47.5, notes: "'=1+1" },
  ]);
});

it("tries, and shows what would change", async () => {
  await sql.query(
    "INSERT INTO city (id, name, country_code, population, latitude, longitude) VALUES (1, 'Paris', 'FR', 1, 1, 1)",
  );
  const options = ["--operation", "update", "--dry-run"];
  const { printed, exitCode } = await importing("id,population\n1,2100000", [...options, "--preview"]);
  expect([printed[1], exitCode]).toEqual(["SUCCEEDED bulkUpdateEach, 1 of 1 done", 0]);
  expect(printed.join("\n")).toMatch(/population[^]*1[^]*2100000/);
  expect(await cities()).toMatchObject([{ population: 1 }]);
  await expect(importing("id,population\n1,2", ["--operation", "update", "--preview"])).rejects.toThrow(
    "add --dry-run",
  );
});

it.each<[string, readonly string[], string]>([
  ["no such file", [pathless("nothing.csv"), "--model", "City", "--operation", "create"], "cannot be read"],
  ["a folder", [".", "--model", "City", "--operation", "create"], "cannot be read"],
  ["an unknown model", ["package.json", "--model", "Citty", "--operation", "create"], "Did you mean City?"],
  [
    "an unknown format",
    ["package.json", "--model", "City", "--operation", "create"],
    "neither .csv nor .jsonl",
  ],
  ["no operation", ["package.json", "--model", "City"], "operation: say create, update or upsert."],
  [
    "a word that is none",
    ["package.json", "--model", "City", "--operation", "create", "--empty", "maybe"],
    "empty: needs one of quotes, null, text",
  ],
  [
    "a quote of no length",
    ["package.json", "--model", "City", "--operation", "create", "--quote", ""],
    'quote: needs one character, not "".',
  ],
  ["no model", ["package.json"], "--model"],
])("is refused for %s, as wrong usage", async (_what, words, message) => {
  await expect(run(["import", ...words])).rejects.toThrow(message);
});

function pathless(name: string): string {
  return `/nowhere/${name}`;
}

it("says what is wrong with a file, or with who asks, and changes nothing", async () => {
  expect(await importing(`${HEAD}\n1,"Paris,FR,1,1,1`, ["--operation", "create"])).toMatchObject({
    said: [
      expect.any(String),
      expect.stringContaining("quote that opens in the row of line 2 is not closed"),
    ],
    exitCode: 1,
  });
  await writeFile(pathOf("countries.csv"), "code,name,continent\nDE,Germany,EUROPE\n");
  const words = ["import", pathOf("countries.csv"), "--model", "Country", "--operation", "create"];
  expect(await run([...words, "--viewer", '{"id": "eve"}'])).toEqual({
    printed: [],
    said: ["You may not create any Country."],
    exitCode: 1,
  });
  const editor = '{"id": "ada", "roles": ["editor"]}';
  expect(await run([...words, "--viewer", editor])).toMatchObject({ exitCode: 0 });
  const key = ["--viewer", editor, "--idempotency-key", "once"];
  expect(await run([...words, ...key])).toMatchObject({ exitCode: 1 });
  expect((await run([...words, ...key])).printed[0]).toMatch(/^launched before: task/);
  expect(await cities()).toEqual([]);
});

it("asks the model's validator and hooks, and gives back the rows that they refuse", async () => {
  const rows = ["AT,Austria,EUROPE,Vienna", "XA,Atlantis,EUROPE,Deep", "XN,Nowhere,EUROPE,none"];
  await writeFile(pathOf("countries.csv"), ["code,name,continent,capital", ...rows].join("\n"));
  const words = ["import", pathOf("countries.csv"), "--model", "Country", "--operation", "create"];
  const how = ["--error-policy", "skip_failed", "--failed", pathOf("refused.csv")];
  const answer = await run([...words, ...how, "--viewer", '{"id": "ada", "roles": ["editor"]}']);
  expect(answer.printed[1]).toBe("PARTIAL bulkCreate, 3 of 3 done, 2 failed");
  expect((await readFile(pathOf("refused.csv"), "utf8")).trimEnd().split("\r\n").slice(1)).toEqual([
    `3,name,Atlantis has sunk.,${rows[1]}`,
    `4,capital,A country has a capital.,${rows[2]}`,
  ]);
  const made = await sql.query("SELECT code, currency FROM country WHERE code IN ('AT', 'XA', 'XN')");
  expect(made.rows).toEqual([{ code: "AT", currency: "EUR" }]);
});

it("follows a file that a worker writes", async () => {
  const worker = await createPowerCrud({ config, databaseUrl: database.url, role: "work" });
  await worker.start();
  try {
    const lines = Array.from(
      { length: 1500 },
      (_, at) =>
        `{"id":${at + 1},"name":"Town","countryCode":"FR","population":1,"latitude":1,"longitude":1}`,
    );
    const options = ["--operation", "create", "--follow"];
    const answer = await importing(lines.join("\n"), options, "cities.jsonl");
    expect(answer).toMatchObject({
      exitCode: 0,
      printed: [expect.any(String), "SUCCEEDED bulkCreate, 1500 of 1500 done"],
    });
    expect(answer.said).toEqual(expect.arrayContaining([expect.stringMatching(/^bulkCreate: \d+ of 1500/)]));
  } finally {
    await worker.stop();
  }
});

it("stops at Ctrl-C while it sends, and nothing is changed", async () => {
  // A pipe is a file that does not end.
  const pipe = pathOf("open.csv");
  await promisify(execFile)("mkfifo", [pipe]);
  const stop = new AbortController();
  const answered = run(["import", pipe, "--model", "City", "--operation", "create"], stop.signal);
  const sending = createWriteStream(pipe);
  sending.on("error", () => undefined);
  const rows = Array.from({ length: 4000 }, (_, at) => `${at + 1},Town,FR,1,1,1\n`);
  sending.write(`${HEAD}\n${rows.join("")}`);
  const states = `SELECT status FROM powercrud.task t JOIN powercrud.import i ON i.task_id = t.id WHERE rows > 0`;
  await vi.waitFor(
    async () => expect((await sql.query(`${states} AND status = 'RECEIVING'`)).rows).toHaveLength(1),
    20_000,
  );
  stop.abort();
  // What is being read of a pipe comes to an end with the next byte.
  sending.write("\n");
  expect(await answered).toMatchObject({
    printed: [],
    said: expect.arrayContaining([expect.stringMatching(/broke off after \d+ bytes. Nothing was changed/)]),
    exitCode: 1,
  });
  sending.destroy();
  expect((await sql.query(`${states} AND status = 'RECEIVING'`)).rows).toEqual([]);
  expect(await cities()).toEqual([]);
});
