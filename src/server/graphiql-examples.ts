import type { GraphQLField, GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema } from "graphql";
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
} from "graphql";

/** A tab of GraphiQL. */
export interface ExampleTab {
  readonly query: string;
}

/** Columns that an example shows of a record. */
const MAX_COLUMNS = 6;
/** A bulk example tries no more records. */
const MAX_AFFECTED = 1000;

/** A model whose records the API lists and changes in bulk. */
interface ExampleModel {
  readonly node: GraphQLObjectType;
  readonly list: string;
  readonly columns: readonly string[];
  /** Undefined where no bulk update has a column to show. */
  readonly bulk: ExampleUpdate | undefined;
}

interface ExampleUpdate {
  readonly mutation: string;
  /** The change, as GraphQL. */
  readonly data: string;
  readonly isNumber: boolean;
}

/**
 * Examples for any schema, by its own names: a list, a dry run of a bulk update, the subscription that shows it, and the newest
 * tasks. The model is the one with the fewest columns that has a number to raise: simple tables tend to be short.
 */
export function drawExamples(schema: GraphQLSchema): readonly ExampleTab[] {
  const [model] = findModels(schema).toSorted((a, b) => costOf(a) - costOf(b));
  const drawn = model === undefined ? [] : [listOf(model), ...launchOf(schema, model)];
  return [...drawn, NEWEST_TASKS].map((query) => ({ query }));
}

function costOf({ bulk, columns, node }: ExampleModel): number {
  const missing = (bulk?.isNumber ? 0 : 1) + (bulk === undefined ? 1 : 0) + (columns.length < 2 ? 1 : 0);
  return 1000 * missing + Object.keys(node.getFields()).length;
}

function findModels(schema: GraphQLSchema): readonly ExampleModel[] {
  const updates = Object.values(schema.getMutationType()?.getFields() ?? {}).filter(isBulkUpdate);
  return Object.values(schema.getQueryType()?.getFields() ?? {}).flatMap((field) => {
    const node = nodeOf(field);
    const where = inputOf(field, "where");
    if (node === undefined || where === undefined) {
      return [];
    }
    const update = updates.find((one) => inputOf(one, "selection")?.getFields()["where"]?.type === where);
    const columns = Object.values(node.getFields()).filter(isPlain);
    const names = columns.map(({ name }) => name).toSorted((a, b) => Number(b === "id") - Number(a === "id"));
    const bulk = update && changeOf(update);
    return [{ node, list: field.name, columns: names.slice(0, MAX_COLUMNS), bulk }];
  });
}

type AnyField = GraphQLField<unknown, unknown>;

/** The type of a list's records; undefined for a field that is no list of records with pages. */
function nodeOf({ type, args }: AnyField): GraphQLObjectType | undefined {
  const page = getNamedType(type);
  const nodes = isObjectType(page) ? page.getFields()["nodes"] : undefined;
  const node = nodes && getNamedType(nodes.type);
  const hasPages = args.some(({ name }) => name === "first") && args.every((one) => !isRequiredArgument(one));
  return hasPages && isObjectType(node) && node.name !== "Task" ? node : undefined;
}

function inputOf({ args }: AnyField, name: string): GraphQLInputObjectType | undefined {
  const argument = args.find((one) => one.name === name);
  const type = argument && getNamedType(argument.type);
  return isInputObjectType(type) ? type : undefined;
}

function isBulkUpdate(field: AnyField): boolean {
  return ["data", "selection", "options"].every((name) => inputOf(field, name) !== undefined);
}

function isPlain(field: AnyField): boolean {
  return isLeafType(getNamedType(field.type)) && field.args.length === 0;
}

/** The first change that a bulk update can make: of a number if it has one. */
function changeOf(update: AnyField): ExampleUpdate | undefined {
  const columns = Object.values(inputOf(update, "data")?.getFields() ?? {}).map(({ name, type }) => {
    const change = getNamedType(type);
    return { name, verbs: isInputObjectType(change) ? change.getFields() : {} };
  });
  const number = columns.find(({ verbs }) => "increment" in verbs);
  if (number !== undefined) {
    return {
      mutation: update.name,
      data: `{ ${number.name}: { increment: 1 } }`,
      isNumber: true,
    };
  }
  for (const { name, verbs } of columns) {
    const type = verbs["set"] && getNamedType(verbs["set"].type);
    const value = isEnumType(type) ? type.getValues()[0]?.name : LITERALS[type?.name ?? ""];
    if (value !== undefined) {
      return { mutation: update.name, data: `{ ${name}: { set: ${value} } }`, isNumber: false };
    }
  }
  return undefined;
}

const LITERALS: Readonly<Record<string, string>> = { Boolean: "true", String: '"new"' };

function listOf({ node, list, columns }: ExampleModel): string {
  return `# Records of ${node.name}.
# Ctrl-Enter runs it; the book on the left is the documentation.
query ${nameFor("List", list)} {
  ${list}(first: 10) {
    totalCount
    nodes {
      ${columns.length === 0 ? "__typename" : columns.join("\n      ")}
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`;
}

function launchOf(schema: GraphQLSchema, { node, list, bulk }: ExampleModel): readonly string[] {
  const models = schema.getType("ModelName");
  if (bulk === undefined || !isEnumType(models) || models.getValue(node.name) == null) {
    return [];
  }
  const update = `# A dry run: the task does all, and rolls it back.
# With more than ${MAX_AFFECTED} records it is refused:
# narrow the filter, or raise maxAffected.
mutation ${nameFor("Try", bulk.mutation)} {
  ${bulk.mutation}(
    selection: { where: {} }
    data: ${bulk.data}
    options: { dryRun: true, maxAffected: ${MAX_AFFECTED} }
  ) {
    __typename
    ... on TaskLaunched {
      task {
        id
        status
        progress {
          id
          total
          processed
          failed
        }
      }
    }
    ... on Error {
      code
      message
    }
  }
}
`;
  const events = `# What happens to the tasks of ${node.name} from now on.
# Start it in a second window, then run the bulk update:
# GraphiQL ends a subscription when you change tabs.
subscription ${nameFor("Watch", list)} {
  taskEvents(where: { models: [${node.name}] }) {
    cursor
    type
    task {
      id
      kind
      status
      isDryRun
    }
    progress {
      id
      processed
      total
      percent
    }
  }
}
`;
  return [update, events];
}

function nameFor(verb: string, field: string): string {
  return `${verb}${field.slice(0, 1).toUpperCase()}${field.slice(1)}`;
}

const NEWEST_TASKS = `# The newest tasks.
query NewestTasks {
  tasks(first: 5) {
    nodes {
      id
      kind
      status
      progress {
        id
        processed
        total
        percent
      }
    }
  }
}
`;
