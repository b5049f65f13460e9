import type { GraphQLObjectType, GraphQLSchema, IntrospectionQuery } from "graphql";
import {
  buildClientSchema,
  getIntrospectionQuery,
  getNamedType,
  isInputObjectType,
  isLeafType,
} from "graphql";
import { expect } from "vitest";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkModels } from "./bulk-models.ts";
import type { Values } from "./every-type-samples.ts";
import { FIRST_CATEGORY, keyOf, sample, samples, SQL_AFTER, SQL_BEFORE } from "./every-type-samples.ts";
import type { Answer } from "./models-fixture.ts";

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
  /** Records of the model's list, in the order of the key. */
  list(model: string, args?: Values): Promise<Answer[]>;
  /** A sample without the fields of the key, which an update cannot change. */
  changeOf(model: string, at: number): Values;
  /** Leaves records of the samples only. @returns their ids, in the order of the samples */
  fill(model: string, count: number): Promise<string[]>;
}

export async function createEveryOperation(): Promise<EveryOperation> {
  const api = await createBulkModels("every-type.prisma", { sql: SQL_AFTER }, SQL_BEFORE);
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

  async function writeMany(operation: string, model: string, args: Values, count: number): Promise<void> {
    const name = bulkName(operation, model);
    const { args: known = [] } = schema.getMutationType()?.getFields()[name] ?? {};
    const types = new Map(known.map((arg) => [arg.name, String(arg.type)]));
    const typed = Object.entries(args).map(([arg, value]) => [arg, [types.get(arg) ?? "", value] as const]);
    const task = await api.run(name, Object.fromEntries(typed));
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

  function changeOf(model: string, at: number): Values {
    const allowed = inputFields(`${model}UpdateInput`);
    return Object.fromEntries(Object.entries(sample(model, at)).filter(([name]) => allowed.includes(name)));
  }

  async function fill(model: string, count: number): Promise<string[]> {
    await api.query(`TRUNCATE shop."all products", shop."Tag", "Detail", "Place", shop."Visit" CASCADE`);
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
    list,
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
