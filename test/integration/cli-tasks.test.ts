import { once } from "node:events";
import { readFile } from "node:fs/promises";

import { Command } from "commander";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";

import demoConfig from "../../powercrud.config.ts";
import type { CliContext } from "../../src/cli/cli-context.ts";
import { launch } from "../../src/cli/commands/launch.ts";
import { askOfTask, listTasks, retryTask, showTask, watchTask } from "../../src/cli/commands/tasks.ts";
import { changeSchedule, listSchedules, runSchedule } from "../../src/cli/commands/schedules.ts";
import { runProgram } from "../../src/cli/program.ts";
import { addTaskCommands } from "../../src/cli/task-commands.ts";
import { completeConfig } from "../../src/config/config.ts";
import type { PowerCrud } from "../../src/index.ts";
import { createPowerCrud, defineConfig, defineTask, migrateDatabase } from "../../src/index.ts";
import { insertCities } from "../support/insert-cities.ts";
import { codeBlocks } from "../support/markdown-code.ts";
import { runCommand, type CommandAnswer } from "../support/run-command.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";

/** Lets the running `count` go on; called once it has counted to its half. */
let goOn: () => void = () => undefined;
let onHalfWay: () => void = () => undefined;
/** A cancelled task stops once this resolves. */
let mayStop: Promise<void> = Promise.resolve();

const count = defineTask({
  kind: "count",
  input: z.object({ to: z.int32().min(1), isToFail: z.boolean().default(false) }),
  claims: () => [{ model: "Tag", ids: "all" }],
  async run({ input, progress, signal }) {
    progress.total(input.to);
    progress.add(Math.floor(input.to / 2), "half way");
    const released = new Promise<void>((resolve) => (goOn = resolve));
    onHalfWay();
    await Promise.race([released, once(signal, "abort").then(() => mayStop)]);
    signal.throwIfAborted();
    if (input.isToFail) {
      throw new Error("it cannot count on");
    }
    progress.add(Math.ceil(input.to / 2));
    return { counted: input.to };
  },
});
/** The task of docs/command-line.md. */
const rebuildStatistics = defineTask({
  kind: "rebuildStatistics",
  input: z.object({ countryCode: z.string() }),
  run: ({ input }) => Promise.resolve(input),
});
const config = defineConfig({
  ...demoConfig,
  tasks: [count, rebuildStatistics],
  schedules: [
    { name: "yearly", cron: "0 3 1 1 *", timeZone: "Europe/Paris", task: count, input: { to: 12 } },
  ],
});
const settings = completeConfig({ progressIntervalMs: 0 });

let database: TestDatabase;
let worker: PowerCrud | undefined;

beforeAll(async () => {
  // The commands refuse a database without a history of migrations.
  database = await createTestDatabase({ isEmpty: true });
  await migrateDatabase({ databaseUrl: database.url, projectDir: process.cwd() });
});
afterAll(async () => {
  await worker?.stop();
  await database.drop();
});
afterEach(() => {
  onHalfWay = () => undefined;
  mayStop = Promise.resolve();
});

async function startWorker(): Promise<void> {
  worker ??= await createPowerCrud({ config, databaseUrl: database.url, role: "work", settings });
  await worker.start();
}

/** Runs one command as the command line does. */
const run = (
  command: (context: CliContext) => Promise<void>,
  stopSignal?: AbortSignal,
): Promise<CommandAnswer> =>
  runCommand(command, {
    databaseUrl: database.url,
    settings,
    project: config,
    ...(stopSignal === undefined ? {} : { stopSignal }),
  });

const launchCount = (options: Parameters<typeof launch>[2], signal?: AbortSignal): Promise<CommandAnswer> =>
  run((context) => launch(context, "count", options), signal);
const idIn = ({ printed }: CommandAnswer): string => /[0-9a-f-]{36}/.exec(printed[0] ?? "")?.[0] ?? "";

describe("without a worker", () => {
  it("launches a task, and says that none runs", async () => {
    const answer = await launchCount({ input: '{"to": 4}', label: "by hand" });
    const id = idIn(answer);
    expect(answer).toEqual({
      printed: [`launched task ${id}`],
      said: ["no worker runs: tasks wait until one does (powercrud work, or start)"],
      exitCode: 0,
    });
    expect(await launchCount({ input: '{"to": 4}' })).toMatchObject({
      printed: [`launched before: task ${id}`],
    });

    const listed = await run((context) =>
      listTasks(context, { first: 5, status: ["PENDING"], kind: ["count"] }),
    );
    expect(listed.printed).toEqual([expect.stringMatching(new RegExp(`^${id}  PENDING .*count, by hand$`))]);
    expect(listed.said[0]).toBe("1 of 1 tasks");

    const paused = await run((context) => askOfTask(context, "pause", id, {}));
    expect(paused).toEqual({ printed: [`${id} is paused`], said: [], exitCode: 0 });
    const resumed = await run((context) => askOfTask(context, "resume", id, { json: true }));
    expect(JSON.parse(resumed.printed.join("\n"))).toMatchObject({ id, status: "PENDING" });
    const notPaused = await run((context) => askOfTask(context, "resume", id, {}));
    expect(notPaused).toMatchObject({ printed: [], exitCode: 1 });

    const cancelled = await run((context) => askOfTask(context, "cancel", id, {}));
    expect(cancelled).toEqual({ printed: [`${id} is cancelled`], said: [], exitCode: 0 });
    const again = await run((context) => askOfTask(context, "cancel", id, {}));
    expect(again).toEqual({
      printed: [],
      said: [`Task ${id} is CANCELLED already; there is nothing left to cancel.`],
      exitCode: 1,
    });
  });

  it("says what is wrong with the input, or with who asks, and launches nothing", async () => {
    expect(await launchCount({ input: '{"to": 0}' })).toEqual({
      printed: [],
      said: [expect.stringMatching(/^input\.to: /)],
      exitCode: 1,
    });
    const { printed, exitCode } = await launchCount({ input: "{}", json: true });
    expect(JSON.parse(printed.join("\n"))).toMatchObject({
      kind: "INVALID",
      problems: [{ field: "input.to" }],
    });
    expect(exitCode).toBe(1);
    await expect(launchCount({ input: "{to: 1}" })).rejects.toThrow("--input needs JSON");
    await expect(launchCount({ input: "@/no/such/file" })).rejects.toThrow("/no/such/file cannot be read");
    await expect(launchCount({ viewer: '"anna"' })).rejects.toThrow("--viewer needs JSON with an id");
    await expect(run((context) => launch(context, "cuont", {}))).rejects.toThrow(
      'the project has no task of the kind "cuont"; did you mean count?',
    );
  });
});

describe("with a worker", () => {
  beforeAll(startWorker);

  it("follows a task to its end, and prints its result", async () => {
    onHalfWay = () => goOn();
    const answer = await launchCount({ input: '{"to": 8}', follow: true });
    expect(answer.printed).toEqual([
      `launched task ${idIn(answer)}`,
      "SUCCEEDED count, 8 of 8 done",
      'result {"counted":8}',
    ]);
    expect(answer.said).toContain("count: 8 of 8");
    expect(answer.exitCode).toBe(0);
    const shown = await run((context) => showTask(context, idIn(answer), { json: true }));
    expect(JSON.parse(shown.printed.join("\n"))).toMatchObject({
      status: "SUCCEEDED",
      result: { counted: 8 },
      errors: [],
    });
  });

  it("leaves the task alone at Ctrl-C, and says how to cancel it", async () => {
    const stop = new AbortController();
    onHalfWay = () => stop.abort();
    const left = await launchCount({ input: '{"to": 6}', follow: true }, stop.signal);
    const id = idIn(left);
    expect(left.said.at(-1)).toBe(`left; task ${id} goes on. To cancel it: powercrud tasks cancel ${id}`);
    expect(left.exitCode).toBe(130);

    let letStop = (): void => undefined;
    mayStop = new Promise((resolve) => (letStop = resolve));
    const watching = run((context) => watchTask(context, id, {}));
    const cancelled = await run((context) => askOfTask(context, "cancel", id, {}));
    expect(cancelled.printed).toEqual([`${id} is about to stop`]);
    letStop();
    const watched = await watching;
    expect(watched.printed[0]).toMatch(/^CANCELLED count, 3 of 6 done/);
    expect(watched.exitCode).toBe(1);
  });

  it("shows why a task failed, and retries it", async () => {
    onHalfWay = () => goOn();
    const failed = await launchCount({ input: '{"to": 2, "isToFail": true}', follow: true });
    expect(failed.printed.slice(1).join("\n")).toMatch(/^FAILED count[\s\S]*it cannot count on/);
    expect(failed.exitCode).toBe(1);
    const retried = await run((context) => retryTask(context, idIn(failed), { follow: true, json: true }));
    expect(JSON.parse(retried.printed.join("\n"))).toMatchObject({ status: "FAILED", retryOf: idIn(failed) });
    const missing = await run((context) => retryTask(context, "nonsense", {}));
    expect(missing).toMatchObject({ printed: [], exitCode: 1 });
  });

  it("refuses a launch that others block, with who does, or stands in line", async () => {
    const begun = new Promise<void>((resolve) => (onHalfWay = resolve));
    const first = await launchCount({ input: '{"to": 10}' });
    await begun;
    const refused = await launchCount({ input: '{"to": 20}' });
    expect(refused.said[0]).toContain(`held by task ${idIn(first)}`);
    expect(refused.exitCode).toBe(1);
    const following = launchCount({ input: '{"to": 20}', wait: true, follow: true });
    await expect.poll(async () => (await worker?.tasks.list({ statuses: ["WAITING"] }))?.length).toBe(1);
    onHalfWay = () => goOn();
    goOn();
    const second = await following;
    expect(second.printed[1]).toBe("SUCCEEDED count, 20 of 20 done");
  });
});

describe("schedules", () => {
  beforeAll(startWorker);

  it("are listed, run now, paused and resumed", async () => {
    onHalfWay = () => goOn();
    await expect
      .poll(async () => (await run((context) => listSchedules(context, {}))).printed)
      .toEqual([
        expect.stringMatching(/^yearly {2}0 3 1 1 \* \(Europe\/Paris\) {2}count {2}next \S+-01-01T02:00:00/),
      ]);
    const ran = await run((context) => runSchedule(context, "yearly", { follow: true }));
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(ran.printed[1]).toBe("SUCCEEDED count, 12 of 12 done");
    const paused = await run((context) => changeSchedule(context, "pause", "yearly", {}));
    expect(paused.printed[0]).toMatch(/^yearly .* {2}paused since \S+, last SUCCEEDED /);
    const resumed = await run((context) => changeSchedule(context, "resume", "yearly", {}));
    expect(resumed.printed[0]).toMatch(/ {2}next \S+-01-01T02:00:00/);
    const missing = await run((context) => changeSchedule(context, "pause", "weekly", {}));
    expect(missing).toMatchObject({ printed: [], exitCode: 1 });
  });
});

describe("docs/command-line.md", () => {
  beforeAll(startWorker);

  const page = (): Promise<string> => readFile("docs/command-line.md", "utf8");

  /** Runs a line of a page. */
  async function runLine(line: string): Promise<CommandAnswer> {
    const [, program, ...args] = [...line.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
    expect(program).toBe("powercrud");
    const answers: CommandAnswer[] = [];
    const commands = new Command().exitOverride();
    addTaskCommands(commands, async (command) => void answers.push(await run(command)));
    await commands.parseAsync(args, { from: "user" });
    expect(answers).toHaveLength(1);
    return answers[0] as CommandAnswer;
  }

  it("has examples that run", async () => {
    const lines = (codeBlocks(await page(), "sh")[0] ?? "").trim().split("\n");
    expect(lines).toHaveLength(3);
    for (const line of lines) {
      const { exitCode, printed } = await runLine(line);
      expect(exitCode).toBe(0);
      expect(printed.join("\n")).toMatch(
        line.includes(" launch ")
          ? /SUCCEEDED rebuildStatistics[\s\S]*"countryCode":"FR"/
          : line.includes(" schedules ")
            ? /^yearly/
            : /^/,
      );
    }
  });

  it("prints the preview of a bulk operation's dry run, as docs/preview.md shows", async () => {
    const client = new Client(database.url);
    await client.connect();
    await insertCities(client, 3);
    await client.query("UPDATE city SET population = id % 3");
    await client.end();
    const guide = await readFile("docs/preview.md", "utf8");
    const [example = ""] = codeBlocks(guide, "sh");
    const line = example.replaceAll("\\\n", "").trim();
    const { printed, exitCode } = await runLine(line);
    expect(exitCode).toBe(0);
    expect(printed.slice(3)).toEqual(["", ...(codeBlocks(guide, "text")[0] ?? "").trim().split("\n")]);
    const { printed: json } = await runLine(`${line} --json`);
    expect(JSON.parse(json.join("\n"))).toMatchObject({
      status: "SUCCEEDED",
      preview: { fields: [{ field: "population", changed: 2 }], records: [{}, {}, {}] },
    });

    const refused = await runLine(line.replace('"where": {"countryCode": {"equals": "FR"}}', '"ids": []'));
    expect(refused).toMatchObject({ exitCode: 1, printed: [], said: [expect.stringContaining("ids")] });
    await expect(runLine(line.replace('"multiply": 2', '"set": 3000000000'))).rejects.toThrow(
      /^--input: Variable "\$data" got invalid value 3000000000 at "data.population.set"/,
    );
    await expect(runLine("npx powercrud launch bulkUpdateCity --preview --dry-run")).rejects.toThrow(
      "there is no mutation bulkUpdateCity; did you mean bulkUpdateCities?",
    );
    await expect(runLine("npx powercrud launch bulkUpdateCities --preview")).rejects.toThrow("add --dry-run");
    await expect(runLine(`npx powercrud launch bulkUpdateCities --input '{"select": 1}'`)).rejects.toThrow(
      'bulkUpdateCities takes selection and data, not "select".',
    );
  });

  it("names every command, and every option of launch", async () => {
    const text = await page();
    const commands = new Command();
    addTaskCommands(commands, () => Promise.resolve());
    const [launching, ...groups] = commands.commands;
    const named = groups.flatMap((group) => group.commands.map((command) => [group.name(), command.name()]));
    expect(named).toHaveLength(11);
    const rows = text.split("\n").filter((line) => line.startsWith("| `"));
    for (const [group = "", name = ""] of named) {
      const row = rows.find(
        (line) => line.startsWith(`| \`${group} `) && new RegExp(`\\b${name}\\b`).test(line),
      );
      expect(row === undefined ? `${group} ${name}` : "").toBe("");
    }
    expect(
      launching?.options.map(({ long }) => long).filter((long) => !text.includes(`\`${long}\``)),
    ).toEqual([]);
  });
});

describe("wrong usage", () => {
  it.each([
    ["launch"],
    ["tasks", "show"],
    ["tasks", "list", "--status", "DONE"],
    ["tasks", "list", "--first", "0"],
    ["tasks", "retry", "x", "--records", "ALL"],
    ["tasks", "begin"],
  ])("ends with 2: %s %s %s %s", async (...args) => {
    expect(await runProgram(["node", "powercrud", ...args])).toBe(2);
  });
});
