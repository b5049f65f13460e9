import { graphql } from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import type { PowerCrud, Task, TaskStatus } from "../../src/index.ts";
import { createPowerCrud, defineConfig, defineTask } from "../../src/index.ts";
import { withDeadline } from "../support/deadline.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";

let finishStep: () => void = () => undefined;

/** As in docs/embedding.md, but it waits for the test. */
const rebuildStatistics = defineTask({
  kind: "rebuildStatistics",
  model: "Tag",
  claims: () => [{ model: "Tag", ids: "all" }],
  async run({ progress }) {
    progress.total(2);
    progress.add(1, "half-way");
    await new Promise<void>((resolve) => {
      finishStep = resolve;
    });
    progress.add(1);
    return { steps: 2 };
  },
});

let database: TestDatabase;
let powercrud: PowerCrud;

beforeAll(async () => {
  database = await createTestDatabase();
  powercrud = await createPowerCrud({
    config: defineConfig({ ...demoConfig, tasks: [rebuildStatistics] }),
    databaseUrl: database.url,
    settings: { workerConcurrency: 2, progressIntervalMs: 0 },
  });
  await powercrud.start();
});
afterAll(async () => {
  await powercrud.stop();
  await database.drop();
});

async function execute(source: string): Promise<unknown> {
  const result = await graphql({ schema: powercrud.schema, source, contextValue: { viewer: { id: null } } });
  return JSON.parse(JSON.stringify(result.errors ?? result.data));
}

describe("an embedding program", () => {
  it("launches its own task, which holds a whole model while it runs, and watches it to its end", async () => {
    const launched = await powercrud.tasks.launch(rebuildStatistics, { year: 2026 });
    if (launched.kind !== "LAUNCHED") {
      throw new Error(launched.message);
    }
    const states: [TaskStatus, string | null][] = [];
    let refused: unknown;
    const watch = async (): Promise<Task | undefined> => {
      let last: Task | undefined;
      for await (last of powercrud.feed.watch(launched.task.id)) {
        states.push([last.status, last.progress.message]);
        if (last.progress.message === "half-way" && refused === undefined) {
          refused = await execute(
            'mutation { createTag(data: {label: "new"}) { __typename ... on Error { code } } }',
          );
          finishStep();
        }
      }
      return last;
    };
    const settled = await withDeadline(watch(), 20_000, "the end of the task");
    expect(refused).toEqual({ createTag: { __typename: "ConflictError", code: "CONFLICT" } });
    expect(settled).toMatchObject({
      status: "SUCCEEDED",
      result: { steps: 2 },
      input: { year: 2026 },
      progress: { total: 2, succeeded: 2, percent: 100 },
    });
    expect(await execute('mutation { createTag(data: {label: "new"}) { __typename } }')).toEqual({
      createTag: { __typename: "CreateTagPayload" },
    });
  });

  it("is refused at once for a kind that it never defined", async () => {
    await expect(powercrud.tasks.launch("nothing", null)).rejects.toThrow(
      'There is no task kind "nothing". Known: bulkCreate, bulkUpdate, bulkUpdateEach, bulkUpsert, bulkDelete, rebuildStatistics, export.',
    );
  });
});
