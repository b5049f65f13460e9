import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { Command } from "commander";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { addFileCommands } from "../../src/cli/file-commands.ts";
import type { ExportOptions } from "../../src/cli/commands/export.ts";
import { exportRecords } from "../../src/cli/commands/export.ts";
import { completeConfig } from "../../src/config/config.ts";
import type { CommandAnswer } from "../support/run-command.ts";
import { runCommand } from "../support/run-command.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { codeBlocks, markdownSection } from "../support/markdown-code.ts";
import {
  ask,
  audited,
  begin,
  config,
  database,
  CITIES,
  FIRST,
  read,
  refused,
  serve,
  service,
  sql,
  startWorld,
  stopWorld,
  untilBackends,
  urlOf,
  watch,
} from "./exports-world.ts";

beforeAll(() => startWorld({ hasHistory: true }));
afterEach(() => sql.query("ROLLBACK"));
afterAll(stopWorld);

describe("an export", () => {
  it("has the records, the order and the columns that a list has, and those of related records", async () => {
    const fields = "id,name,country.name,country,tags.label,latitude,longitude,notes,updatedAt";
    expect(await read("City.csv", { where: FIRST, orderBy: { name: "DESC" }, fields })).toBe(
      [
        fields,
        '1,Paris,France,FR,"[""old""]",48.85,2.35,\'=1+1,2026-01-31T12:00:00.120Z',
        '2,"Lyon, ""la grande""",France,FR,[],45.75,4.85,"",2026-01-31T12:00:00.000Z',
        "3,Berlin,Germany,DE,[],52.5,1e-7,,2026-01-31T12:00:00.000Z",
        "",
      ].join("\r\n"),
    );
    const lines = await read("City.jsonl", {
      search: "berlin",
      fields: "id,country.name,tags,notes,population",
    });
    expect(lines).toBe('{"id":"3","country.name":"Germany","tags":[],"notes":null,"population":3000000}\n');
    expect(await read("City.csv", { where: FIRST, fields: "notes", escapeFormulas: "false" })).toContain(
      "\r\n=1+1\r\n",
    );
    const [head] = (await read("City.csv", { where: { id: { equals: 0 } } })).split("\r\n");
    expect(head).toBe(
      "id,name,countryCode,population,latitude,longitude,elevation,rankInCountry,populationShare,status,notes,updatedAt,tags",
    );
  });

  it("is named, compressed where that is accepted, and not read for HEAD", async () => {
    const response = await ask(
      "City.csv",
      { where: FIRST, fields: "id" },
      { headers: { "accept-encoding": "gzip" } },
    );
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": 'attachment; filename="City.csv"',
      "content-encoding": "gzip",
    });
    expect(await response.text()).toBe("id\r\n1\r\n2\r\n3\r\n");
    await sql.query("BEGIN");
    await sql.query("LOCK TABLE city IN ACCESS EXCLUSIVE MODE");
    const head = await ask("City.jsonl", {}, { method: "HEAD" });
    expect([head.status, head.headers.get("content-type"), await head.text()]).toEqual([
      200,
      "application/jsonl; charset=utf-8",
      "",
    ]);
  });

  it("shows only what the viewer may read", async () => {
    const asFrench = { role: "french" };
    expect(await read("City.csv", { where: FIRST, fields: "id,name" }, asFrench)).not.toContain("Berlin");
    expect(
      (await read("City.csv", { where: { id: { equals: 1 } } }, asFrench)).split("\r\n")[0],
    ).not.toContain("notes");
    expect(await refused("City.csv", { fields: "notes" }, asFrench)).toBe(
      "403 FORBIDDEN You may not read City.notes.",
    );
    expect(await refused("City.csv", { where: { notes: { equals: "x" } } }, asFrench)).toContain(
      "403 FORBIDDEN",
    );
    expect(await refused("City.csv", { orderBy: [{ notes: "ASC" }] }, asFrench)).toContain("403 FORBIDDEN");
    expect(await refused("Country.csv", { fields: "languages" }, asFrench)).toContain("403 FORBIDDEN");
    expect(await refused("Language.csv", {}, asFrench)).toContain(
      "403 FORBIDDEN You may not read any Language.",
    );
    await sql.query(`INSERT INTO "_CityToTag" VALUES (3, '00000000-0000-7000-8000-00000000000a')`);
    const tags = { fields: "label,cities" };
    expect(await read("Tag.jsonl", tags)).toBe('{"label":"old","cities":["1","3"]}\n');
    expect(await read("Tag.jsonl", tags, asFrench)).toBe('{"label":"old","cities":["1"]}\n');
    // A city that may be read, of a country that may not.
    const countries = { where: { id: { in: [1, 3] } }, fields: "id,country.name" };
    expect(await read("City.csv", countries, { role: "cities" })).toBe(
      "id,country.name\r\n1,France\r\n3,\r\n",
    );
    expect(audited).toContainEqual(
      expect.objectContaining({ action: "export", outcome: "forbidden", viewerId: "french", model: "City" }),
    );
    expect(audited).toContainEqual(
      expect.objectContaining({ action: "export", outcome: "opened", viewerId: "french", model: "City" }),
    );
  });

  it.each<[string, string, Record<string, unknown>, string]>([
    ["an unknown model", "Citty.csv", {}, '404 NOT_FOUND There is no model "Citty". Did you mean City?'],
    ["an unknown column", "City.csv", { fields: "id,nam" }, "Did you mean name?"],
    ["a list that is no column", "Country.csv", { fields: "cities" }, "400 VALIDATION_FAILED"],
    ["a filter that is no JSON", "City.csv", { where: "{id:1}" }, "400 VALIDATION_FAILED where must be JSON"],
    [
      "an unknown field in a filter",
      "City.csv",
      { where: { nam: {} } },
      '400 VALIDATION_FAILED where: Field "nam" is not defined by type "CityWhere".',
    ],
    [
      "a value of another type",
      "City.csv",
      { where: { population: { gt: "x" } } },
      "400 VALIDATION_FAILED where.population.gt: Int cannot represent",
    ],
    ["an order by nothing", "City.csv", { orderBy: {} }, "400 VALIDATION_FAILED"],
    [
      "a parameter that is not known",
      "City.csv",
      { wher: "{}" },
      'There is no parameter "wher". Did you mean where?',
    ],
    [
      "a search of a model without",
      "Tag.csv",
      { search: "x" },
      "400 VALIDATION_FAILED search cannot be used",
    ],
    ["a flag that is none", "City.csv", { escapeFormulas: "yes" }, "escapeFormulas must be true or false."],
  ])("is refused before its first byte for %s", async (_what, file, query, message) => {
    expect(await refused(file, query)).toContain(message);
  });

  it("is asked for as the guide says", async () => {
    const guide = markdownSection(await readFile("docs/import-export.md", "utf8"), "Export");
    const [command = ""] = codeBlocks(guide, "sh");
    const run = promisify(execFile);
    const { stdout } = await run("sh", ["-c", command.replace("http://127.0.0.1:4000", service.url)]);
    // Callers without a role see French cities.
    expect(stdout).toBe("id,name,country.name,population\r\n1,Paris,France,2000000\r\n");
  });

  it("is for GET, and for files of the two formats", async () => {
    expect(await refused("City.csv", {}, { method: "POST" })).toContain("405");
    expect((await ask("City.xlsx")).status).toBe(404);
  });
});

describe("powercrud export", () => {
  it("is used as the guide says", async () => {
    const [, command = ""] = codeBlocks(await readFile("docs/import-export.md", "utf8"), "sh");
    const [, program, ...args] = [...command.trim().matchAll(/'([^']*)'|\S+/g)].map(
      ([word, quoted]) => quoted ?? word,
    );
    expect(program).toBe("powercrud");
    const folder = await createTemporaryFolder("export");
    onTestFinished(() => folder.remove());
    const output = join(folder.path, args.pop() ?? "");
    const commands = new Command().exitOverride();
    addFileCommands(commands, async (done) => {
      await runCommand(done, { databaseUrl: database.url, settings: completeConfig(), project: config });
    });
    await commands.parseAsync([...args, output], { from: "user" });
    expect(await readFile(output, "utf8")).toBe("id,name,country.name\r\n1,Paris,France\r\n");
  });

  const run = async (model: string, options: ExportOptions): Promise<CommandAnswer> =>
    runCommand((context) => exportRecords(context, model, options), {
      databaseUrl: database.url,
      settings: completeConfig(),
      project: config,
    });

  it("writes the file of a viewer, and says how far it is", async () => {
    const folder = await createTemporaryFolder("export");
    onTestFinished(() => folder.remove());
    const output = join(folder.path, "cities.csv");
    const where = JSON.stringify(FIRST);
    const answer = await run("City", { where, fields: "id,name", output });
    expect(answer.exitCode).toBe(0);
    expect(answer.said[0]).toMatch(/^export to cities.csv: \d+ done$/);
    expect(answer.printed).toEqual([`exported 2 records to ${output}`]);
    const french = await readFile(output, "utf8");
    expect(french).toBe(await read("City.csv", { where, fields: "id,name" }, { role: "french" }));
    const viewer = '{"id": "me", "roles": ["all"]}';
    const lines = join(folder.path, "cities.jsonl");
    await run("City", { where, viewer, output: lines });
    expect(await readFile(lines, "utf8")).toBe(await read("City.jsonl", { where }));
    // What fails leaves an earlier file as it was, and no other.
    await expect(run("City", { fields: "nam", output })).rejects.toThrow("Did you mean name?");
    expect(await readFile(output, "utf8")).toBe(french);
    expect((await readdir(folder.path)).toSorted()).toEqual(["cities.csv", "cities.jsonl"]);
  });
});

describe("a large export", () => {
  it("is read from PostgreSQL no faster than by its client, and ends there when the client leaves", async () => {
    const response = await begin();
    await untilBackends("state = 'active' AND wait_event = 'ClientWrite'", 1);
    response.destroy();
    await untilBackends("state = 'active'", 0);
    // The next one gets a connection in order.
    const lines = (await read("City.csv", { fields: "id" })).split("\r\n");
    expect(lines).toHaveLength(CITIES + 5);
  });

  it("is cancelled while it waits for its first record", async () => {
    await sql.query("BEGIN");
    await sql.query("LOCK TABLE city IN ACCESS EXCLUSIVE MODE");
    const leaving = new AbortController();
    const asked = fetch(urlOf("City.csv", {}), { signal: leaving.signal, headers: { "x-role": "all" } });
    await untilBackends("wait_event_type = 'Lock'", 1);
    leaving.abort();
    await expect(asked).rejects.toThrow("aborted");
    await untilBackends("wait_event_type = 'Lock'", 0);
  });

  it("never looks complete when it is broken off", async () => {
    const response = await begin();
    await untilBackends("state = 'active' AND wait_event = 'ClientWrite'", 1);
    await watch.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'powercrud files'",
    );
    await expect(text(response)).rejects.toThrow("aborted");
  });

  // setting: POWERCRUD_MAX_EXPORTS
  // setting: POWERCRUD_EXPORT_TIMEOUT_MS
  it("is refused while others are sent, and after its time", async () => {
    const [narrow, brief] = await Promise.all([serve({ maxExports: 1 }), serve({ exportTimeoutMs: 300 })]);
    onTestFinished(async () => void (await Promise.all([narrow.stop(), brief.stop()])));
    await sql.query("BEGIN");
    await sql.query("LOCK TABLE city IN ACCESS EXCLUSIVE MODE");
    const query = { where: FIRST, fields: "id" };
    const first = read("City.csv", query, { at: narrow });
    await untilBackends("wait_event_type = 'Lock'", 1);
    const second = await ask("City.csv", {}, { at: narrow });
    expect([second.status, second.headers.get("retry-after"), await second.text()]).toEqual([
      429,
      "5",
      expect.stringContaining("At most 1 exports are read at a time."),
    ]);
    expect(await refused("City.csv", {}, { at: brief })).toContain(
      "429 LIMIT_EXCEEDED The export took longer than 300 ms.",
    );
    await sql.query("ROLLBACK");
    expect(await first).toBe("id\r\n1\r\n2\r\n3\r\n");
    expect(await read("City.csv", query, { at: narrow })).toBe("id\r\n1\r\n2\r\n3\r\n");
  });
});
