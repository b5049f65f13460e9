import { accessOf } from "../core/records/model-options.ts";
import type { GraphQLSchema } from "graphql";
import { introspectionFromSchema, isAbstractType, lexicographicSortSchema, printSchema } from "graphql";
import { pothosDatamodel } from "../adapters/prisma/pothos-datamodel.ts";
import { refusedSchema } from "../core/records/refused-schema.ts";
import { createSchema } from "../graphql/create-schema.ts";
import { checkConfig } from "./check-config.ts";
import type { PowerCrudConfig } from "./define-config.ts";
import { schemaOf } from "./define-config.ts";
import { onlyPrinted, printedParts, readModels } from "./read-models.ts";

/** The project's GraphQL schema as text, in a fixed order. Needs no database, since no resolver is called. */
export function printPowerCrudSchema(config: PowerCrudConfig): string {
  return `${printSchema(schemaToPrint(config))}\n`;
}

/**
 * The types of each union and interface as JSON, in the form that Apollo Client and urql's graphcache take as `possibleTypes`:
 * `{"Error": ["ConflictError", …], …}`. Without it they do not know that a ConflictError is an Error, and leave
 * `... on Error {code}` empty.
 */
export function printPossibleTypes(config: PowerCrudConfig): string {
  const schema = schemaToPrint(config);
  const names = Object.values(schema.getTypeMap())
    .filter(isAbstractType)
    .map((type) => [
      type.name,
      schema
        .getPossibleTypes(type)
        .map(({ name }) => name)
        .toSorted(),
    ]);
  return `${JSON.stringify(Object.fromEntries(names), null, 2)}\n`;
}

/**
 * What graphcache takes as `schema`: the introspection result without inputs, arguments and descriptions. With it, graphcache
 * knows which fields may be null, and which fragments match.
 */
export function printIntrospection(config: PowerCrudConfig): string {
  const { __schema } = introspectionFromSchema(schemaToPrint(config), { descriptions: false });
  const { queryType, mutationType, subscriptionType } = __schema;
  const types = __schema.types.flatMap((type): readonly object[] => {
    const { kind, name } = type;
    switch (type.kind) {
      case "OBJECT":
      case "INTERFACE": {
        const fields = type.fields.map((field) => ({ name: field.name, type: field.type, args: [] }));
        return [{ kind, name, fields, interfaces: type.interfaces }];
      }
      case "UNION":
        return [{ kind, name, possibleTypes: type.possibleTypes }];
      case "SCALAR":
      case "ENUM":
      case "INPUT_OBJECT":
        return [];
    }
  });
  return `${JSON.stringify({ __schema: { queryType, mutationType, subscriptionType, types } })}\n`;
}

function schemaToPrint(config: PowerCrudConfig): GraphQLSchema {
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
    access: accessOf(config.models ?? {}),
    reader: { findIds: onlyPrinted, existingIds: onlyPrinted },
    lists: { prepare: () => onlyPrinted, read: onlyPrinted },
    groups: { read: onlyPrinted },
    translateError: (error) => error,
    writeOne: onlyPrinted,
    launchBulk: onlyPrinted,
    maxRecords: 0,
    locks: { owners: onlyPrinted },
    tasks: { find: onlyPrinted },
    isRelay: config.relay === true,
    contributors: printedParts(ownTasks),
  });
  return lexicographicSortSchema(schema);
}
