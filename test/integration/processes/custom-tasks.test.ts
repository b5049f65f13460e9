import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { graphql } from "graphql";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import demo from "../../../powercrud.config.ts";
import type { DefinedTask, PowerCrud, PowerCrudOptions, Task } from "../../../src/index.ts";
import { ANONYMOUS, createPowerCrud, defineConfig, defineTask } from "../../../src/index.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";
import { flaky } from "./flaky-task.ts";

const WORKER = join(import.meta.dirname, "failing-worker.ts");

const rare = defineTask({ kind: "rare", run: async ({ input }) => input });

let database: TestDatabase;
const opened: (() => unknown)[] = [];
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) {
    await close();
  }
  await database.drop();
});

async function start(
  role: NonNullable<PowerCrudOptions["role"]>,
  tasks: readonly DefinedTask[],
  settings: PowerCrudOptions["settings"] = {},
): Promise<PowerCrud> {
  const config = defineConfig({ ...demo, tasks });
  const powercrud = await createPowerCrud({ config, databaseUrl: database.url, role, settings });
  opened.push(() => powercrud.stop());
  await powercrud.start();
  return powercrud;
}

async function launch(powercrud: PowerCrud, kind: string, input: number): Promise<Task> {
  const outcome = await powercrud.tasks.launch(kind, input, { mode: "ASYNC" });
  if (outcome.kind !== "LAUNCHED") {
    throw new Error(outcome.message);
  }
  return outcome.task;
}

function settled({ tasks }: PowerCrud, task: Task): Promise<Task> {
  return tasks.wait(task, { timeoutMs: 20_000 });
}

describe("a task whose process is killed between its failure and its next attempt", () => {
  it("is tried again by another one, once, with its locks kept all the time", async () => {
    const api = await start("serve", [flaky]);
    const child = fork(WORKER, [database.url], { execArgv: ["--import", "tsx"] });
    opened.push(() => child.kill("SIGKILL"));
    await withDeadline(once(child, "message"), 50_000, "the worker to be ready");
    const task = await launch(api, "flaky", 0);
    await expect.poll(() => api.tasks.get(task)).toMatchObject({ status: "PENDING", failures: 1 });
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await api.tasks.launch(flaky, 1)).toMatchObject({ kind: "CONFLICT" });
    await start("work", [flaky]);
    expect(await settled(api, task)).toMatchObject({
      status: "SUCCEEDED",
      attempt: 2,
      failures: 1,
      result: { attempt: 2 },
    });
    const { data } = await graphql({
      schema: api.schema,
      source: "{ tags { edges { node { label } } } }",
      contextValue: { viewer: ANONYMOUS },
    });
    expect(
      JSON.stringify(data)
        .match(/attempt \d/g)
        ?.toSorted(),
    ).toEqual(["attempt 1", "attempt 2"]);
  });
});

describe("a task of a kind that a worker does not know", () => {
  it("waits, and is run at once by a worker that starts and knows it", async () => {
    const api = await start("serve", [rare]);
    await start("work", []);
    const task = await launch(api, "rare", 1);
    await expect.poll(async () => (await api.tasks.get(task))?.postponedUntil).toBeInstanceOf(Date);
    expect(await api.tasks.get(task)).toMatchObject({ status: "PENDING", attempt: 0, failures: 0 });
    await start("work", [rare]);
    expect(await settled(api, task)).toMatchObject({ status: "SUCCEEDED", result: 1 });
  });

  it("is left to another worker that runs and knows it", async () => {
    const api = await start("serve", [rare]);
    await start("work", []);
    await start("work", [rare]);
    const tasks: Task[] = [];
    for (let at = 0; at < 8; at += 1) {
      tasks.push(await launch(api, "rare", at));
    }
    for (const [at, task] of tasks.entries()) {
      expect(await settled(api, task)).toMatchObject({ status: "SUCCEEDED", result: at });
    }
  });

  it("is FAILED when none has come for the time that the setting allows", async () => {
    const api = await start("serve", [rare]);
    // setting: POWERCRUD_UNKNOWN_KIND_WAIT_MS
    await start("work", [], { unknownKindWaitMs: 300 });
    const task = await launch(api, "rare", 1);
    expect(await settled(api, task)).toMatchObject({
      status: "FAILED",
      attempt: 0,
      message: 'No worker knew the kind "rare" for 0.3 s. Deploy its definition, and retry the task.',
    });
    expect(await api.tasks.errors(task)).toMatchObject([{ code: "UNKNOWN_KIND" }]);
  });
});
