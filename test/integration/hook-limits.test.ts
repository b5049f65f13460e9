import { graphql } from "graphql";
import pg from "pg";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import { createPowerCrud, defineConfig } from "../../src/index.ts";
import { insertCities } from "../support/insert-cities.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";

let database: TestDatabase;
let sql: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  sql = new pg.Client(database.url);
  await sql.connect();
  await insertCities(sql, 1);
});
afterAll(async () => {
  await sql.end();
  await database.drop();
});

// setting: POWERCRUD_HOOK_TIMEOUT_MS
it("hookTimeoutMs: a hook that never returns is left behind, or its write undone, and the worker lives on", async () => {
  const never = (): Promise<never> => new Promise(() => undefined);
  const cleaned: string[] = [];
  const logged: unknown[] = [];
  const note = (fields: object): void => void logged.push(fields);
  const config = defineConfig({
    ...demoConfig,
    models: { City: { hooks: { beforeUpdate: never } } },
    hooks: {
      beforeCreate: ({ options }) => (options.label === "refused" ? never() : undefined),
      create: never,
      start: never,
      progress: never,
      fail: never,
      complete: never,
      cleanup: ({ task }) => void cleaned.push(task.id),
    },
  });
  const powercrud = await createPowerCrud({
    config,
    databaseUrl: database.url,
    settings: { hookTimeoutMs: 100, workerConcurrency: 1 },
    logger: { debug: () => undefined, info: () => undefined, warn: note, error: note },
  });
  const { tasks } = powercrud;
  const launch = (model: string, id: string, label = "x") =>
    tasks.launchBulk({
      operation: "UPDATE",
      model,
      viewer: { id: null },
      selection: { ids: [id] },
      change: model === "City" ? { notes: { set: "x" } } : { population: { set: "7" } },
      options: { mode: "ASYNC", label },
    });
  try {
    await powercrud.start();
    expect(await launch("City", "1", "refused")).toMatchObject({
      kind: "INVALID",
      problems: [{ message: "A hook took longer than 100 ms." }],
    });
    const ended = [await launch("City", "1"), await launch("Country", "FR")];
    const ids = ended.flatMap((outcome) => (outcome.kind === "LAUNCHED" ? [outcome.task.id] : []));
    await vi.waitFor(() => expect(cleaned.toSorted()).toEqual(ids.toSorted()), { timeout: 20_000 });
    expect(await Promise.all(ids.map((id) => tasks.get(id)))).toMatchObject([
      { status: "FAILED", message: "A hook of City took longer than 100 ms." },
      { status: "SUCCEEDED", message: null },
    ]);
    const source = `mutation { updateCity(id: "1", data: {notes: "x"}) { __typename } }`;
    const { errors } = await graphql({
      schema: powercrud.schema,
      source,
      contextValue: { viewer: { id: null } },
    });
    expect(errors?.[0]?.extensions).toEqual({ code: "TIMED_OUT" });
    expect(logged).toContainEqual(
      expect.objectContaining({ err: expect.objectContaining({ code: "TIMED_OUT" }), taskId: ids[1] }),
    );
    // What they had begun is undone, and nobody is held up.
    await sql.query("SET lock_timeout = '5s'; UPDATE city SET notes = 'y' WHERE id = 1; RESET lock_timeout");
    expect((await sql.query("SELECT FROM powercrud.lock")).rows).toEqual([]);
  } finally {
    await powercrud.stop();
  }
});
