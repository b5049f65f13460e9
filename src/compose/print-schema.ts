import type { PrismaClient } from "@pothos/plugin-prisma";
import { PrismaPg } from "@prisma/adapter-pg";
import { lexicographicSortSchema, printSchema } from "graphql";
import { pothosDatamodel } from "../adapters/prisma/pothos-datamodel.ts";
import { readModelRegistry } from "../adapters/prisma/read-model-registry.ts";
import { createSchema } from "../graphql/create-schema.ts";
import { addHealth } from "../graphql/health.ts";
import { createTaskSchema } from "../graphql/tasks/task-schema.ts";
import type { PowerCrudConfig } from "./define-config.ts";
import { schemaOf } from "./define-config.ts";

/** The project's GraphQL schema as text, in a fixed order. Needs no database, since no resolver is called. */
export function printPowerCrudSchema(config: PowerCrudConfig): string {
  const client = config.generated.createClient({
    adapter: new PrismaPg({ connectionString: "postgresql://127.0.0.1" }),
  });
  const modelOptions = config.models ?? {};
  const models = readModelRegistry(schemaOf(config), modelOptions);
  const schema = createSchema({
    client: client as PrismaClient,
    datamodel: pothosDatamodel(schemaOf(config)),
    models,
    modelOptions,
    reader: { findIds: onlyPrinted, existingIds: onlyPrinted },
    pages: { read: onlyPrinted, readRelated: onlyPrinted },
    toClientWhere: () => ({}),
    translateError: (error) => error,
    writeOne: onlyPrinted,
    launchBulk: onlyPrinted,
    maxRecords: 0,
    locks: { owners: onlyPrinted },
    tasks: { find: onlyPrinted },
    contributors: [createTaskSchema(createTaskPorts()), addHealth(onlyPrinted)],
  });
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}

function createTaskPorts(): Parameters<typeof createTaskSchema>[0] {
  type Ports = Parameters<typeof createTaskSchema>[0];
  // Every method exists, and rejects.
  const neverCalled = new Proxy({}, { get: () => onlyPrinted });
  return {
    tasks: neverCalled as Ports["tasks"],
    log: neverCalled as Ports["log"],
    feed: neverCalled as Ports["feed"],
    cancelTask: onlyPrinted,
    retryTask: onlyPrinted,
  };
}

function onlyPrinted(): Promise<never> {
  return Promise.reject(new TypeError("this schema can only be printed, not executed"));
}
