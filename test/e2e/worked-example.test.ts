import { readFile } from "node:fs/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withDeadline } from "../support/deadline.ts";
import type { TestClient } from "../support/graphql-client.ts";
import { createTestClient } from "../support/graphql-client.ts";
import { codeBlocks } from "../support/markdown-code.ts";
import { spawnPowerCrud } from "../support/powercrud-process.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";

const A_FRENCH_CITY =
  "SELECT id FROM city WHERE country_code = 'FR' AND id <> 2988507 ORDER BY id DESC LIMIT 1 FOR UPDATE";

interface Launched {
  readonly bulkUpdateCities: {
    readonly task: { readonly id: string; readonly progress: { readonly total: number } };
  };
}
interface Watched {
  readonly taskProgress: {
    readonly status: string;
    readonly progress: { readonly processed: number; readonly total: number };
  };
}
interface Renamed {
  readonly updateCity: {
    readonly __typename: string;
    readonly message?: string;
    readonly conflicts?: readonly { readonly id: string }[];
  };
}

let database: TestDatabase;
let url: string;
let client: TestClient;
let sql: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase({ isEmpty: true });
  const service = await spawnPowerCrud(["start"], {
    PORT: "0",
    DATABASE_URL: database.url,
    POWERCRUD_SEED_CITIES: "30000",
  });
  [, url = ""] = await service.waitForLine(/^ready (http:\S+)$/);
  client = createTestClient(url);
  sql = new pg.Client(database.url);
  await sql.connect();
}, 120_000);

afterAll(async () => {
  await client.close();
  await sql.end();
});

describe("the README's worked example", () => {
  it("launches and watches a task, which holds Paris while it runs and releases it afterwards", async () => {
    const [launch = "", watch = "", rename = ""] = codeBlocks(await readFile("README.md", "utf8"), "graphql");
    const population = async (): Promise<number> =>
      (
        await sql.query<{ sum: number }>(
          "SELECT sum(population)::int AS sum FROM city WHERE country_code = 'FR'",
        )
      ).rows[0]?.sum ?? 0;
    const before = await population();
    // A locked row keeps the task running while the test asks for Paris.
    await sql.query("BEGIN");
    await sql.query(A_FRENCH_CITY);
    const { task } = (await client.request<Launched>(launch)).bulkUpdateCities;
    expect(task.progress.total).toBeGreaterThan(500);

    const states: Watched["taskProgress"][] = [];
    let meanwhile: Renamed["updateCity"] | undefined;
    const watching = async (): Promise<void> => {
      for await (const { taskProgress } of client.subscribe<Watched>(watch, { id: task.id })) {
        states.push(taskProgress);
        if (meanwhile === undefined) {
          meanwhile = (await client.request<Renamed>(rename)).updateCity;
          await sql.query("ROLLBACK");
        }
      }
    };
    await withDeadline(watching(), 30_000, "the end of the task");

    expect(meanwhile).toMatchObject({
      __typename: "ConflictError",
      conflicts: [{ recordId: "2988507", heldBy: { id: task.id } }],
    });
    expect(meanwhile?.message).toMatch(/City 2988507 is held by task/);
    const counts = states.map((state) => state.progress.processed);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(states.at(-1)).toMatchObject({
      status: "SUCCEEDED",
      progress: { processed: task.progress.total },
    });
    expect(await population()).toBe(before + task.progress.total);
    expect((await client.request<Renamed>(rename)).updateCity).toMatchObject({
      __typename: "UpdateCityPayload",
      city: { name: "Paris", notes: "City of Light" },
    });
  });
});

interface Waiting {
  readonly bulkUpdateCities: { readonly task: { readonly id: string } };
}

describe("the README's conflicts and cancelling", () => {
  it("wait in line, name the holder of Paris, and are cancelled", async () => {
    const blocks = codeBlocks(await readFile("README.md", "utf8"), "graphql");
    const [launch = "", watch = "", , wait = "", who = "", cancel = ""] = blocks;
    await sql.query("BEGIN");
    await sql.query(A_FRENCH_CITY);
    const { task: holder } = (await client.request<Launched>(launch)).bulkUpdateCities;
    const { task: waiting } = (await client.request<Waiting>(wait)).bulkUpdateCities;
    expect(waiting).toMatchObject({ status: "WAITING", blockedBy: { id: holder.id } });
    expect(await client.request(who)).toMatchObject({
      city: { name: "Paris", activeTask: { id: holder.id, kind: "bulkUpdate" } },
      recordLocks: [{ recordId: "2988507", heldBy: { id: holder.id } }],
    });
    expect(await client.request(cancel, { id: waiting.id })).toEqual({
      cancelTask: { task: { id: waiting.id, status: "CANCELLED" } },
    });
    await sql.query("ROLLBACK");
    const end = async (): Promise<void> => {
      for await (const _state of client.subscribe<Watched>(watch, { id: holder.id })) {
        // Only its end counts.
      }
    };
    await withDeadline(end(), 30_000, "the end of the task");
    expect(await client.request(who)).toEqual({
      city: { name: "Paris", activeTask: null },
      recordLocks: [],
    });
    expect(await client.request(cancel, { id: holder.id })).toMatchObject({
      cancelTask: { code: "TASK_SETTLED" },
    });
  });
});

describe("the README's upsert by a key", () => {
  it("creates the tags that are missing, and changes the others", async () => {
    const blocks = codeBlocks(await readFile("README.md", "utf8"), "graphql");
    const upsert = blocks.find((block) => block.includes("bulkUpsertTags")) ?? "";
    for (let round = 0; round < 2; round += 1) {
      const { bulkUpsertTags } = await client.request<Upserted>(upsert);
      expect(bulkUpsertTags.task).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 2 } });
    }
    const { rows } = await sql.query("SELECT label FROM tag WHERE label IN ('capital', 'harbour', 'port')");
    expect(rows.map(({ label }) => label as unknown)).toContain("capital");
    expect(rows).toHaveLength(2);
  });
});

interface Upserted {
  readonly bulkUpsertTags: { readonly task: Launched["bulkUpdateCities"]["task"] };
}

describe("the README's query of the health", () => {
  it("finds everything healthy, except that there is no Redis to check", async () => {
    const blocks = codeBlocks(await readFile("README.md", "utf8"), "graphql");
    const query = blocks.find((block) => block.startsWith("query Health")) ?? "";
    const { health } = await client.request<{ health: { checks: { name: string; status: string }[] } }>(
      query,
    );
    expect(health).toMatchObject({ isHealthy: true, backend: "postgres", workersAlive: 1 });
    expect(health.checks.map(({ name, status }) => `${name} ${status}`).toSorted()).toEqual([
      "backend OK",
      "bus OK",
      "database OK",
      "migrations OK",
      "notifications OK",
      "queue OK",
      "workers OK",
    ]);
  });
});
