import { accessOf } from "../../../../src/core/records/model-options.ts";
import type { GraphQLSchema } from "graphql";

import { onlyPrinted, printedParts } from "../../../../src/compose/read-models.ts";
import { createModelRegistry } from "../../../../src/core/records/model.ts";
import type { DefinedTask } from "../../../../src/core/tasks/define-task.ts";
import type { LaunchOutcome } from "../../../../src/core/tasks/launch/launch-outcome.ts";
import { builtInNames, createSchema } from "../../../../src/graphql/create-schema.ts";
import { chooseNames } from "../../../../src/graphql/models/choose-names.ts";
import type { LaunchOwnTask } from "../../../../src/graphql/tasks/launch-fields.ts";
import { launchableTask, namedTask } from "../../../../src/graphql/tasks/launchable-task.ts";
import { modelOf, scalar } from "../../../support/model-fixture.ts";

const OWN_NAMES = builtInNames(printedParts());

const CITY = modelOf("City", [scalar("id", "Int", { isKey: true }), scalar("name", "String")]);
const DATAMODEL = {
  models: {
    City: {
      fields: ["id", "name"].map((name) => ({
        name,
        kind: "scalar",
        type: name === "id" ? "Int" : "String",
        isRequired: true,
        isList: false,
        hasDefaultValue: false,
        isUnique: name === "id",
        isId: name === "id",
      })),
      primaryKey: null,
      uniqueIndexes: [],
    },
  },
};

/** A schema with the model City that launches the tasks. */
export function schemaOfTasks(
  definitions: readonly DefinedTask[],
  launch: LaunchOwnTask = onlyPrinted,
): GraphQLSchema {
  const tasks = definitions.map(launchableTask);
  const { models, names } = chooseNames(
    createModelRegistry([CITY], []),
    { models: {}, tasks: tasks.map(namedTask) },
    OWN_NAMES,
  );
  return createSchema({
    datamodel: { datamodel: DATAMODEL },
    models,
    names,
    modelOptions: {},
    access: accessOf({}),
    reader: { findIds: onlyPrinted, existingIds: onlyPrinted },
    lists: { prepare: () => onlyPrinted, read: onlyPrinted },
    groups: { read: onlyPrinted },
    translateError: (error) => error,
    writeOne: onlyPrinted,
    launchBulk: onlyPrinted,
    maxRecords: 0,
    locks: { owners: onlyPrinted },
    tasks: { find: onlyPrinted },
    contributors: printedParts(tasks, launch),
  });
}

/** Refuses every launch, and remembers the last one's input. */
export function createLaunchSpy(): { readonly launch: LaunchOwnTask; input(): unknown } {
  let last: unknown;
  return {
    launch: ({ input }) => {
      last = input;
      return Promise.resolve({ kind: "UNAVAILABLE", message: "not here" } satisfies LaunchOutcome);
    },
    input: () => last,
  };
}
