import { execFile, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { withDeadline } from "../../support/deadline.ts";
import type { TemporaryFolder } from "../../support/temporary-folder.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";
import { startTestBrowser } from "../../support/test-browser.ts";
import type { ClientFixture } from "./client-fixture.ts";
import { CITY_COUNT, startClientFixture } from "./client-fixture.ts";
import { openExample } from "./example-page.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- the data of documents that the examples, not this file, spell out
type Data = any;

const ROOT = join(import.meta.dirname, "../../..");
const run = promisify(execFile);

let fixture: ClientFixture;
let browser: Browser;
beforeAll(async () => {
  [fixture, browser] = await Promise.all([startClientFixture(), startTestBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await fixture.stop();
});

/** What a browser says of connections that a restart of the service has broken, and react-admin of refusals. */
const EXPECTED =
  /^console: (WebSocket connection|Failed to load resource|Event$|Refused: The service cannot be reached|HttpError: City \d+ is held)/;

/** Opens an example. It must be without other faults than those when the test is over. */
async function open(name: string): Promise<Page> {
  const { page, faults } = await openExample(browser, name, fixture.url);
  onTestFinished(async () => {
    await page.close();
    expect(faults.filter((fault) => !EXPECTED.test(fault))).toEqual([]);
  });
  return page;
}

/** Launches a change of some cities that waits at the first of them. @returns its id, and lets it go on */
async function holdTask(ids: readonly string[], label: string): Promise<[string, () => Promise<void>]> {
  const release = await fixture.holdCity(Number(ids[0]));
  const data: Data = await fixture.execute(`mutation {
    bulkUpdateCities(selection: {ids: ${JSON.stringify(ids)}}, data: {notes: {set: "held"}}, options: {mode: ASYNC, label: "${label}"})
      { ... on TaskLaunched { task { id } } }
  }`);
  return [data.bulkUpdateCities.task.id as string, release];
}

/** Restarts the service in the middle of a task: its stop waits for the chunk that is held. @param refusals as of restart */
async function restartDuring(release: () => Promise<void>, refusals = 0): Promise<void> {
  const restarting = fixture.restart(refusals);
  await release();
  await restarting;
}

describe("curl", () => {
  let folder: TemporaryFolder;
  beforeAll(async () => {
    folder = await createTemporaryFolder("curl");
  });
  afterAll(() => folder.remove());

  const env = () => ({ PATH: process.env["PATH"], POWERCRUD_URL: fixture.url });
  async function script(name: string, ...args: readonly string[]): Promise<string> {
    const { stdout } = await run("sh", [join(ROOT, `client-examples/curl/${name}.sh`), ...args], {
      env: env(),
    });
    return stdout;
  }
  const json = async (name: string, ...args: readonly string[]): Promise<Data> =>
    JSON.parse(await script(name, ...args));

  /** Starts a script that follows. @returns its lines, as they come, and its end */
  function follower(name: string, ...args: readonly string[]) {
    const child = spawn("sh", [join(ROOT, `client-examples/curl/${name}.sh`), ...args], {
      env: env(),
      stdio: ["ignore", "pipe", "inherit"],
      detached: true,
    });
    // With its curl.
    const end = () => {
      try {
        process.kill(-(child.pid ?? 0), "SIGKILL");
      } catch {
        // It has ended.
      }
    };
    onTestFinished(end);
    return { lines: createInterface(child.stdout), end };
  }

  it("reads, launches, is refused what is held, follows over a restart, and cancels", async () => {
    const all = Array.from({ length: CITY_COUNT }, (_none, at) => String(at + 1));
    const [id, release] = await holdTask(all, "Holder");
    const { data: read } = await json("query", "FR");
    expect(read.cities).toMatchObject({
      totalCount: CITY_COUNT,
      nodes: [{ activeTask: { id, label: "Holder" } }, {}, {}],
    });
    const { data: refused } = await json("bulk-update", "FR");
    expect(refused.bulkUpdateCities).toMatchObject({ code: "CONFLICT", conflicts: [{ heldBy: { id } }] });

    const states: string[] = [];
    const { lines } = follower("follow", id);
    const followed = (async () => {
      for await (const line of lines) {
        const status = /"taskProgress":\{"status":"(\w+)"/.exec(line)?.[1];
        if (status !== undefined && states.push(status) === 1) {
          await restartDuring(release);
        }
      }
    })();
    await withDeadline(followed, 50_000, "the end of the task");
    expect(states.at(-1)).toBe("SUCCEEDED");

    const [other, letGo] = await holdTask(["1"], "Other");
    const { data: cancelled } = await json("cancel", other);
    expect(cancelled.cancelTask.task).toMatchObject({ id: other });
    await letGo();
    const { data: again } = await json("cancel", id);
    expect(again.cancelTask.code).toBe("TASK_SETTLED");
    await script("follow", other);
    const { data: launched } = await json("bulk-update", "FR");
    expect(launched.bulkUpdateCities).toMatchObject({
      __typename: "TaskLaunched",
      task: { progress: { total: CITY_COUNT } },
    });
    expect(await script("follow", launched.bulkUpdateCities.task.id as string)).toContain(
      '"status":"SUCCEEDED"',
    );
  });

  it("follows all tasks, and those of the past from an event's id on", async () => {
    const [id, release] = await holdTask(["3"], "Seen");
    await release();
    await script("follow", id);
    const data: Data = await fixture.execute(
      `{ task(id: "${id}") { events(first: 1) { nodes { cursor } } } }`,
    );
    const { lines, end } = follower("events", data.task.events.nodes[0].cursor as string);
    const types: string[] = [];
    const seen = (async () => {
      for await (const line of lines) {
        const type = line.includes(id) ? /"taskEvents":\{"type":"(\w+)"/.exec(line)?.[1] : undefined;
        types.push(...(type === undefined ? [] : [type]));
        if (type === "CLEANUP") {
          end();
        }
      }
    })();
    await withDeadline(seen, 30_000, "the task's last event");
    expect(types.filter((type) => type !== "PROGRESS")).toEqual(["START", "COMPLETE", "CLEANUP"]);
  });

  it("exports, imports, and gives back the rows that failed", async () => {
    const csv = (await script("export", "FR"))
      .replace("City 7", "Seven")
      .replace("8,City 8,FR", "8,City 8,XX");
    expect(csv.split("\n")[0]?.trim()).toBe("id,name,countryCode,population,latitude,longitude,notes");
    const file = join(folder.path, "cities.csv");
    await writeFile(file, csv);
    const { task } = await json("import", file);
    expect(await script("follow", task.id as string)).toContain('"status":"PARTIAL"');
    expect(await fixture.query("SELECT name FROM city WHERE id = 7")).toEqual([{ name: "Seven" }]);
    const failed = (await script("failed", task.id as string)).trim().split(/\r?\n/);
    expect(failed).toHaveLength(2);
    expect(failed[1]).toMatch(/^9,countryCode,.*XX.*,8,City 8,XX/);
    await fixture.query("UPDATE city SET name = 'City 7' WHERE id = 7");
  });
});

describe("a bar in a page", () => {
  it("is refused what is held, and then follows its task, over a restart", async () => {
    const page = await open("browser-progress");
    const [id, release] = await holdTask(["1"], "Holder");
    await page.getByRole("button").click();
    await page.getByText("CONFLICT: ").waitFor();
    await release();
    await fixture.settled(id);
    const letGo = await fixture.holdCity(30);
    await page.getByRole("button").click();
    await page.getByText(/^RUNNING: \d+ of 40$/).waitFor();
    await restartDuring(letGo);
    await page.getByText("SUCCEEDED: 40 of 40").waitFor();
    expect(await page.getByRole("progressbar").getAttribute("value")).toBe("100");
  });
});

/** The row of a table that has a cell with the text. */
const row = (page: Page, text: string) =>
  page.getByRole("row").filter({ has: page.getByText(text, { exact: true }) });

describe("hooks for React", () => {
  it("show locks, a refusal, a task to its end over a restart, and what it wrote", async () => {
    const page = await open("react-hooks");
    await row(page, "City 5").getByText("free").waitFor();
    const [, release] = await holdTask(["5"], "Holder");
    await row(page, "City 5").getByText("held by Holder").waitFor();
    await page.getByRole("button", { name: "Count one more" }).click();
    await page.getByRole("alert").getByText("Somebody is at it.").waitFor();
    await release();
    await row(page, "City 5").getByText("free").waitFor();

    await fixture.query("UPDATE city SET population = 5000 WHERE id = 5");
    const letGo = await fixture.holdCity(30);
    await page.getByRole("button", { name: "Count one more" }).click();
    await row(page, "City 6").getByText("held by Grow").waitFor();
    await restartDuring(letGo, 1);
    await page.getByText("SUCCEEDED: 40 of 40").waitFor();
    await row(page, "City 5").getByRole("cell", { name: "5001" }).waitFor();
    await row(page, "City 6").getByText("free").waitFor();

    // In several chunks, or helpers might do all others before the task is asked to stop.
    const holds = await Promise.all([1, 3, 5, 7].map((id) => fixture.holdCity(id)));
    await page.getByRole("button", { name: "Count one more" }).click();
    await page.getByRole("button", { name: "Cancel" }).click();
    await expect
      .poll(() => fixture.execute("{ tasks(first: 1) { nodes { canCancel } } }"))
      .toEqual({
        tasks: { nodes: [{ canCancel: false }] },
      });
    await Promise.all(holds.map((end) => end()));
    await page.getByText("CANCELLED: ").waitFor();
  });
});

describe.each(["refine", "react-admin"])("%s", (name) => {
  beforeAll(() => fixture.query("UPDATE city SET name = 'City ' || id, status = 'ACTIVE'"));

  it("lists by page, follows others' locks and writes, and archives what is chosen by a task", async () => {
    const page = await open(name);
    const button = (label: string) => page.getByRole("button", { name: label, exact: true });
    await page.getByText(`${CITY_COUNT} cities`).waitFor();
    await row(page, "City 10").waitFor();
    await button("Next").click();
    await row(page, "City 11").waitFor();
    await row(page, "City 10").waitFor({ state: "detached" });
    await button("Back").click();
    await row(page, "City 1").getByText("free").waitFor();

    const [, release] = await holdTask(["1", "2"], "Holder");
    await row(page, "City 2").getByText("held by Holder").waitFor();
    await page.getByLabel("Choose City 2", { exact: true }).check();
    await page.getByLabel("Choose City 3", { exact: true }).check();
    await button("Archive").click();
    await page.getByRole("alert").waitFor();
    expect(await row(page, "City 3").getByText("ARCHIVED").count()).toBe(0);
    await release();
    await row(page, "City 2").getByText("free").waitFor();
    await button("Archive").click();
    await page.getByText("SUCCEEDED: 2 of 2").waitFor();
    await row(page, "City 3").getByText("ARCHIVED").waitFor();

    await fixture.execute(`mutation { updateCity(id: "4", data: {name: "Theirs"}) { __typename } }`);
    await row(page, "Theirs").waitFor();
  });
});

it("refine renames a record, unless it is held, and filters", async () => {
  const page = await open("refine");
  const rename = (city: string) => row(page, city).getByRole("button", { name: "Rename" });
  await rename("City 6").click();
  await row(page, "City 6!").waitFor();
  const [, release] = await holdTask(["7"], "Holder");
  await row(page, "City 7").getByText("held by Holder").waitFor();
  expect(await rename("City 7").isDisabled()).toBe(true);
  await release();
  await row(page, "City 7").getByText("free").waitFor();
  await page.getByPlaceholder("Name").fill("city 3");
  await page.getByText("11 cities").waitFor();
});

it("react-admin saves a form, unless its record is held", async () => {
  const page = await open("react-admin");
  await page.getByRole("link", { name: "City 8", exact: true }).click();
  const input = page.getByLabel("Name");
  const save = page.getByRole("button", { name: "Save" });
  const [, release] = await holdTask(["8"], "Holder");
  await page.getByText("held by Holder").waitFor();
  expect(await save.isDisabled()).toBe(true);
  await release();
  await page.getByText("held by Holder").waitFor({ state: "detached" });
  await input.fill("Eighth");
  await save.click();
  await expect.poll(() => fixture.query("SELECT name FROM city WHERE id = 8")).toEqual([{ name: "Eighth" }]);
});

it("Apollo Client pages, renames unless a city is held, follows its task, and what others do, over a restart", async () => {
  await fixture.query("UPDATE city SET name = 'City ' || id, notes = NULL");
  const page = await open("apollo");
  const button = (label: string) => page.getByRole("button", { name: label, exact: true });
  await row(page, "City 25").waitFor();
  await button("More").click();
  await row(page, "City 26").waitFor();
  await row(page, "City 9").getByRole("button").click();
  await row(page, "City 9!").waitFor();
  const [, release] = await holdTask(["12"], "Holder");
  await row(page, "City 12").getByText("held", { exact: true }).first().waitFor();
  await row(page, "City 12").getByRole("button").click();
  await page.getByRole("alert").getByText("Somebody is at it.").waitFor();
  await release();
  await row(page, "City 12").getByText("free").waitFor();
  const letGo = await fixture.holdCity(30);
  await button("Note on all").click();
  await page.getByText("RUNNING: ").waitFor();
  await restartDuring(letGo, 1);
  await page.getByText("SUCCEEDED: 40").waitFor();
  await row(page, "City 12").getByText("Noted").waitFor();
  expect(await row(page, "City 9!").count()).toBe(1);
});

describe("the examples' copies", () => {
  it("are the same everywhere", async () => {
    const copies = async (file: string, ...names: readonly string[]) =>
      Promise.all(names.map((name) => readFile(join(ROOT, `client-examples/${name}/src/${file}`), "utf8")));
    expect(new Set(await copies("service.ts", "react-hooks", "refine", "react-admin")).size).toBe(1);
    const types = await readFile(join(ROOT, "possible-types.json"), "utf8");
    // Printed anew? Then: cp possible-types.json client-examples/apollo/src/
    expect(await copies("possible-types.json", "apollo")).toEqual([types]);
    expect(new Set(await copies("records.ts", "refine", "react-admin")).size).toBe(1);
  });
});
