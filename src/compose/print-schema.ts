import { lexicographicSortSchema, printSchema } from "graphql";
import { pothosDatamodel } from "../adapters/prisma/pothos-datamodel.ts";
import { refusedSchema } from "../core/records/refused-schema.ts";
import { createSchema } from "../graphql/create-schema.ts";
import { checkConfig } from "./check-config.ts";
import type { PowerCrudConfig } from "./define-config.ts";
import { schemaOf } from "./define-config.ts";
import { onlyPrinted, printedParts, readModels } from "./read-models.ts";

/** The project's GraphQL schema as text, in a fixed order. Needs no database, since no resolver is called. */
export function printPowerCrudSchema(config: PowerCrudConfig): string {
  checkConfig(config);
  const { models, names, problems, ownTasks } = readModels(config);
  if (problems.length > 0) {
    throw refusedSchema(problems);
  }
  const schema = createSchema({
    datamodel: pothosDatamodel(schemaOf(config)),
    models,
    names,
    modelOptions: config.models ?? {},
    reader: { findIds: onlyPrinted, existingIds: onlyPrinted },
    lists: { read: onlyPrinted },
    groups: { read: onlyPrinted },
    translateError: (error) => error,
    writeOne: onlyPrinted,
    launchBulk: onlyPrinted,
    maxRecords: 0,
    locks: { owners: onlyPrinted },
    tasks: { find: onlyPrinted },
    contributors: printedParts(ownTasks),
  });
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}
