import { buildSchema } from "graphql";
import { describe, expect, it } from "vitest";
import { createMemoryEventBus } from "../../support/memory/memory-event-bus.ts";
import { createMemoryEventLog } from "../../support/memory/memory-event-log.ts";
import { createMemoryTaskStore } from "../../support/memory/memory-task-store.ts";
import { createTaskFeed } from "../../../src/core/events/task-feed.ts";
import type { ModelRegistry } from "../../../src/core/records/model.ts";
import { createModelRegistry } from "../../../src/core/records/model.ts";
import { createSchema } from "../../../src/graphql/create-schema.ts";
import { addHealth } from "../../../src/graphql/health.ts";
import { reservedNamesOf } from "../../../src/graphql/models/model-names.ts";
import { createTaskSchema } from "../../../src/graphql/tasks/task-schema.ts";
import { isAppError } from "../../../src/kernel/app-error.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import { createSystemClock } from "../../../src/kernel/clock.ts";
import { modelOf, scalar } from "../../support/model-fixture.ts";

const never = (): Promise<never> => Promise.reject(new Error("nothing is run"));
const logger = createSilentLogger();
const ports = {
  tasks: createMemoryTaskStore(),
  log: createMemoryEventLog(),
  bus: createMemoryEventBus({ logger }),
  logger,
};
const feed = createTaskFeed({ ...ports, clock: createSystemClock() });

function schemaOf(models: ModelRegistry, datamodel: Readonly<Record<string, object>> = {}) {
  return createSchema({
    client: {} as never,
    datamodel: { datamodel: { models: datamodel, enums: {}, types: {} } },
    models,
    modelOptions: {},
    reader: { findIds: never, existingIds: never },
    pages: { read: never, readRelated: never },
    toClientWhere: () => ({}),
    translateError: (error) => error,
    writeOne: never,
    launchBulk: never,
    maxRecords: 1,
    locks: { owners: never },
    tasks: ports.tasks,
    contributors: [
      createTaskSchema({ ...ports, feed, cancelTask: never, retryTask: never }),
      addHealth(never),
    ],
  });
}

const key = scalar("id", "Int", { isKey: true });
const reserved = reservedNamesOf(schemaOf(createModelRegistry([], [])));

/** Code and message; empty if the models are accepted. */
function refusalOf(models: ModelRegistry): string {
  try {
    schemaOf(models);
    return "";
  } catch (error) {
    return isAppError(error) ? `${error.code} ${error.message}` : String(error);
  }
}

describe("a model is refused by its name, before anything starts, when it is named like", () => {
  it("anything that the schema has without models", () => {
    expect([...reserved.types]).toEqual(
      expect.arrayContaining(["Task", "TaskConnection", "HealthCheck", "RetryRecords", "ConflictError"]),
    );
    const accepted = [...reserved.types].filter(
      (name) =>
        !refusalOf(createModelRegistry([modelOf(name, [key])], [])).startsWith(
          `INVALID_CONFIG "${name}" is a name that the API needs for itself`,
        ),
    );
    expect(accepted).toEqual([]);
  });

  it("an input that its columns need", () => {
    const models = createModelRegistry([modelOf("IntFilter", [key])], []);
    const fields = [{ kind: "scalar", name: "id", type: "Int", isId: true, isRequired: true }];
    const datamodel = { IntFilter: { fields, primaryKey: null, uniqueIndexes: [] } };
    expect(() => schemaOf(models, datamodel)).toThrow('"IntFilter" is a name that the API needs for itself');
  });

  it("a query, in the singular or the plural", () => {
    const messageOf = (name: string, plural: string): string =>
      refusalOf(createModelRegistry([{ ...modelOf(name, [key]), plural }], []));
    expect(messageOf("RecordLocks", "recordLockses")).toContain('would make a query "recordLocks"');
    expect(messageOf("Chore", "tasks")).toContain('would make a query "tasks"');
  });
});

it("reads the reserved names from the schema", () => {
  const names = reservedNamesOf(buildSchema("type Query { a: Int } type B { c: Int }"));
  expect([...names.types]).toEqual(expect.arrayContaining(["Query", "B", "Int", "Boolean"]));
  expect([...names.queries]).toEqual(["a"]);
});
