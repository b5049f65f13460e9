import type { GraphQLObjectType, GraphQLSchema, IntrospectionQuery } from "graphql";
import {
  buildClientSchema,
  getIntrospectionQuery,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
} from "graphql";
import { expect } from "vitest";
import type { Viewer } from "../../../src/core/access/viewer.ts";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import type { BulkFixture, BulkOverrides } from "./bulk-fixture.ts";
import { createBulkModels } from "./bulk-models.ts";
import type { Values } from "./every-type-samples.ts";
import { FIRST_CATEGORY, keyOf, sample, samples, SQL_AFTER, SQL_BEFORE } from "./every-type-samples.ts";
import type { Answer } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

/** The operations of the models of every-type.prisma, by their names in the schema that the API shows of itself. */
export interface EveryOperation {
  readonly api: BulkFixture;
  readonly schema: GraphQLSchema;
  /** The root fields of models that have succeeded. */
  readonly executed: Set<string>;
  /** The names of an input type's fields. */
  inputFields(name: string): string[];
  /** The model's columns as a selection. */
  columnsOf(model: string): string;
  /** The name of the query for the model's list. */
  listOf(model: string): string;
  /** Runs one root field, with its arguments as variables of the types that the schema gives them. */
  run(kind: "query" | "mutation", name: string, args: Values, selection: string): Promise<Answer>;
  /** @returns the columns of the record that a single write answers with; it must succeed */
  write(operation: string, model: string, args: Values): Promise<Answer>;
  /** Runs a bulk mutation in a worker; all of its records must succeed. */
  writeMany(operation: string, model: string, args: Values, count: number): Promise<void>;
  /** The name of a bulk mutation. */
  bulkName(operation: string, model: string): string;
  /** Arguments with the types that the schema gives them. */
  typed(mutation: string, args: Values): Record<string, readonly [type: string, value: unknown]>;
  /** Records of the model's list, in the order of the key. */
  list(model: string, args?: Values): Promise<Answer[]>;
  /** Every figure of every column, over the model's records. */
  aggregate(model: string, args: Values): Promise<Answer>;
  /** What records of the model can be grouped by. */
  groupKeysOf(model: string): string[];
  /** Groups of the model's records, with all keys and every figure of every column. */
  groups(model: string, by: readonly string[], args: Values): Promise<Answer[]>;
  /** A sample without the fields of the key, which an update cannot change. */
  changeOf(model: string, at: number): Values;
  /** Leaves records of the samples only. @returns their ids, in the order of the samples */
  fill(model: string, count: number): Promise<string[]>;
}

/**
 * @param overrides.sql runs once the tables are there
 * @param viewer who runs the operations. Default: an anonymous one
 */
export async function createEveryOperation(
  { sql = "", ...overrides }: Pick<BulkOverrides, "auth" | "models" | "sql" | "tasks"> = {},
  viewer: () => Viewer = () => ANONYMOUS,
): Promise<EveryOperation> {
  const real = await createBulkModels(
    "every-type.prisma",
    { ...overrides, sql: `${SQL_AFTER}${sql}` },
    SQL_BEFORE,
  );
  const api: BulkFixture = {
    ...real,
    data: (source, variables, as = viewer()) => real.data(source, variables, as),
    run: (mutation, args, options, as = viewer()) => real.run(mutation, args, options, as),
  };
  const schema = buildClientSchema((await api.data(getIntrospectionQuery())) as IntrospectionQuery);
  const executed = new Set<string>();

  function objectType(name: string): GraphQLObjectType {
    return schema.getType(name) as GraphQLObjectType;
  }

  function inputFields(name: string): string[] {
    const type = schema.getType(name);
    return isInputObjectType(type) ? Object.keys(type.getFields()) : [];
  }

  function columnsOf(model: string): string {
    const fields = Object.values(objectType(model).getFields());
    return fields.flatMap(({ name, type }) => (isLeafType(getNamedType(type)) ? [name] : [])).join(" ");
  }

  function listOf(model: string): string {
    const fields = Object.values(schema.getQueryType()?.getFields() ?? {});
    return fields.find(({ type }) => getNamedType(type).name === `${model}Connection`)?.name ?? "";
  }

  function bulkName(operation: string, model: string): string {
    const many = listOf(model);
    return `${operation}${many.charAt(0).toUpperCase()}${many.slice(1)}`;
  }

  async function run(
    kind: "query" | "mutation",
    name: string,
    args: Values,
    selection: string,
  ): Promise<Answer> {
    const root = kind === "query" ? schema.getQueryType() : schema.getMutationType();
    const types = new Map(root?.getFields()[name]?.args.map((arg) => [arg.name, String(arg.type)]));
    const names = Object.keys(args);
    const declared = names.map((arg) => `$${arg}: ${types.get(arg)}`).join(", ");
    const passed = names.map((arg) => `${arg}: $${arg}`).join(", ");
    const { it } = await api.data(`${kind} (${declared}) { it: ${name}(${passed}) { ${selection} } }`, args);
    return it;
  }

  async function write(operation: string, model: string, args: Values): Promise<Answer> {
    const name = `${operation}${model}`;
    const payload = `${name.charAt(0).toUpperCase()}${name.slice(1)}Payload`;
    const fields = Object.values(objectType(payload).getFields());
    const record = fields.find(({ type }) => getNamedType(type).name === model)?.name;
    const answer = await run(
      "mutation",
      name,
      args,
      `__typename ... on Error { message } ... on ${payload} { record: ${record} { ${columnsOf(model)} } }`,
    );
    expect(answer).toMatchObject({ record: { id: expect.anything() } });
    executed.add(name);
    return answer.record;
  }

  function typed(mutation: string, args: Values): Record<string, readonly [type: string, value: unknown]> {
    const { args: known = [] } = schema.getMutationType()?.getFields()[mutation] ?? {};
    const types = new Map(known.map((arg) => [arg.name, String(arg.type)]));
    const entries = Object.entries(args).map(([arg, value]) => [arg, [types.get(arg) ?? "", value] as const]);
    return Object.fromEntries(entries);
  }

  async function writeMany(operation: string, model: string, args: Values, count: number): Promise<void> {
    const name = bulkName(operation, model);
    const task = await api.run(name, typed(name, args));
    expect(task).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: count }, errors: [] });
    executed.add(name);
  }

  async function list(model: string, args: Values = {}): Promise<Answer[]> {
    const name = listOf(model);
    const page = await run(
      "query",
      name,
      { first: 100, ...args },
      `totalCount nodes { ${columnsOf(model)} }`,
    );
    executed.add(name);
    return page.nodes.filter(({ id }: { id: string }) => model !== "Category" || id !== FIRST_CATEGORY);
  }

  /** A selection of everything in the type, at any depth. */
  function everythingIn(type: string): string {
    const fields = Object.values(objectType(type).getFields());
    const selected = fields.map((field) => {
      const named = getNamedType(field.type);
      return isLeafType(named) ? field.name : `${field.name} { ${everythingIn(named.name)} }`;
    });
    return selected.join(" ");
  }

  /** Runs a query that answers with figures, and selects everything. */
  async function figures(name: string, args: Values): Promise<Answer> {
    const type = schema.getQueryType()?.getFields()[name]?.type;
    const answer = await run("query", name, args, everythingIn(String(getNamedType(type))));
    executed.add(name);
    return answer;
  }

  function aggregate(model: string, args: Values): Promise<Answer> {
    return figures(`${listOf(model)}Aggregate`, args);
  }

  function groupKeysOf(model: string): string[] {
    const type = schema.getType(`${model}GroupKey`);
    return isEnumType(type) ? type.getValues().map(({ name }) => name) : [];
  }

  function groups(model: string, by: readonly string[], args: Values): Promise<Answer[]> {
    return figures(`${listOf(model)}GroupBy`, { ...args, by });
  }

  function changeOf(model: string, at: number): Values {
    const allowed = inputFields(`${model}UpdateInput`);
    return Object.fromEntries(Object.entries(sample(model, at)).filter(([name]) => allowed.includes(name)));
  }

  async function fill(model: string, count: number): Promise<string[]> {
    await api.query(emptying(`shop."all products", shop."Tag", "Detail", "Place", shop."Visit"`));
    await api.query(`DELETE FROM "Category" WHERE id > 1`);
    if (model === "Detail") {
      await writeMany("bulkCreate", "Product", { data: samples("Product", count) }, count);
    }
    if (count > 0) {
      await writeMany("bulkCreate", model, { data: samples(model, count) }, count);
    }
    const records = await list(model);
    const key = keyOf(model);
    return samples(model, count).map(
      (given) => records.find((record) => String(record[key]) === String(given[key]))?.id as string,
    );
  }
  return {
    api,
    schema,
    executed,
    inputFields,
    columnsOf,
    listOf,
    run,
    write,
    writeMany,
    bulkName,
    typed,
    list,
    aggregate,
    groupKeysOf,
    groups,
    changeOf,
    fill,
  };
}

/** Values as the API shows them, where it shows another form than it takes. */
export function shown(model: string, values: Values): Values {
  const texts = ["price", "prices"];
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const text = (each: unknown): unknown => (texts.includes(name) ? String(Number(each)) : each);
      return [
        name,
        Array.isArray(value)
          ? value.map(text)
          : name === "id" && model !== "Visit"
            ? String(value)
            : text(value),
      ];
    }),
  );
}

/** What the figures are of a column's values, none of which is null. @param isText whether a sum is shown as a text */
const FIGURES: Readonly<Record<string, (values: readonly Answer[], isText: boolean) => unknown>> = {
  min: (values) => values.toSorted(compareShown)[0] ?? null,
  max: (values) => values.toSorted(compareShown).at(-1) ?? null,
  sum: (values, isText) => (values.length === 0 ? null : isText ? exactSum(values) : roughSum(values)),
  avg: (values) => (values.length === 0 ? null : roughSum(values) / values.length),
  countDistinct: (values) => new Set(values).size,
};

/** The figures of an answer, and those that these records have. Averages and sums of floats are rounded. */
export function figuresAgainst(answer: Answer, records: readonly Answer[]): [seen: Answer, expected: Answer] {
  const seen: Answer = { count: answer.count };
  const expected: Answer = { count: records.length };
  for (const [operation, figureOf] of Object.entries(FIGURES)) {
    for (const [column, figure] of Object.entries((answer[operation] ?? {}) as Values)) {
      const values = records.map((record) => record[column]).filter((value) => value !== null);
      const name = `${operation}.${column}`;
      seen[name] = rounded(operation, figure);
      expected[name] = rounded(operation, figureOf(values, typeof figure === "string"));
    }
  }
  return [seen, expected];
}

function rounded(operation: string, figure: unknown): unknown {
  const isRough = operation === "avg" || (operation === "sum" && typeof figure === "number");
  return isRough && figure !== null ? Number(Number(figure).toPrecision(12)) : figure;
}

/** Numbers may be texts; times are texts whose order is that of the times. */
function compareShown(one: Answer, other: Answer): number {
  const [a, b] = [one, other].map((value) =>
    /^-?\d+(?:\.\d+)?$/.test(String(value)) && typeof value === "string" ? tenThousandths(value) : value,
  );
  return a < b ? -1 : Number(a > b);
}

function roughSum(values: readonly Answer[]): number {
  return values.reduce((sum, value) => sum + Number(value), 0);
}

/** With all digits, and no zeros at the end of a fraction. */
function exactSum(values: readonly Answer[]): string {
  const sum = values.reduce((total, value) => total + tenThousandths(value), 0n);
  const [whole, rest] = [sum / 10_000n, sum % 10_000n];
  return rest === 0n ? String(whole) : `${whole}.${String(rest).padStart(4, "0").replace(/0+$/, "")}`;
}

function tenThousandths(value: unknown): bigint {
  const [whole = "", fraction = ""] = String(value).split(".");
  return BigInt(whole + fraction.padEnd(4, "0"));
}

/** How much of the text of a time says in which period it lies. */
const PERIODS: Readonly<Record<string, number>> = { HOUR: 13, DAY: 10, WEEK: 10, MONTH: 7, YEAR: 4 };

/** The record's value of a key of groups, such as `mood` or `seenAt_MONTH`. */
export function groupValueOf(record: Answer, key: string): unknown {
  const [column = "", period = ""] = key.split("_");
  const value = record[column];
  if (period === "" || value === null) {
    return value;
  }
  const begin = new Date(value);
  if (period === "WEEK") {
    begin.setUTCDate(begin.getUTCDate() - ((begin.getUTCDay() + 6) % 7));
  }
  const length = PERIODS[period];
  return begin.toISOString().slice(0, length) + "1970-01-01T00:00:00.000Z".slice(length);
}
