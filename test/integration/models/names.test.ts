import { join } from "node:path";
import { graphql, lexicographicSortSchema, printSchema } from "graphql";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPool } from "../../../src/adapters/postgres/connection/create-pool.ts";
import { printPowerCrudSchema } from "../../../src/compose/print-schema.ts";
import type { ModelOptionsMap, PowerCrud, PowerCrudConfig } from "../../../src/index.ts";
import { ANONYMOUS, createPowerCrud, createSilentLogger } from "../../../src/index.ts";
import { createTestDatabase } from "../../support/test-database.ts";
import { generateFixture } from "./generate-fixture.ts";
import type { Answer } from "./models-fixture.ts";

/** The models that are served under other names than their own, or are listed by others than the usual. */
const NAMES: Readonly<Record<string, readonly [type: string, many: string]>> = {
  Subscription: ["BillingSubscription", "billing"],
  Task: ["TaskModel", "taskModels"],
  TaskEvent: ["TaskEventModel", "taskEventModels"],
  Health: ["HealthModel", "healthModels"],
  ConflictError: ["ConflictErrorModel", "conflictErrorModels"],
  HealthCheck: ["HealthCheckModel", "healthCheckModels"],
  Query: ["QueryModel", "queryModels"],
  Mutation: ["MutationModel", "mutationModels"],
  QueryMode: ["QueryModeModel", "queryModeModels"],
  IntFilter: ["IntFilterModel", "intFilterModels"],
  Image: ["Image", "images"],
  ImageConnection: ["ImageConnection", "imageConnections"],
  User: ["User", "users"],
  UserSelection: ["UserSelection", "userSelections"],
  Person: ["Person", "personAll"],
  People: ["People", "peopleAll"],
  Status: ["Status", "statusAll"],
  Statuses: ["Statuses", "statusesAll"],
  City: ["City", "cities"],
  CityBulk: ["CityBulk", "cityBulks"],
  EachCity: ["EachCity", "eachCityAll"],
  CancelTask: ["CancelTask", "cancelTasks"],
  tasks: ["tasksModel", "tasksModels"],
  Evénement: ["Evenement", "evenements"],
  Words: ["Words", "wordsAll"],
};

const OPTIONS: ModelOptionsMap = {
  // option: models.apiName
  // option: models.plural
  Subscription: { apiName: "BillingSubscription", plural: "billing" },
  // option: models.fields.*.apiName
  Words: { fields: { OR: { apiName: "either" } } },
};

const configOf = (): PowerCrudConfig => ({
  generated,
  models: OPTIONS,
  // option: enums
  // option: enums.values
  enums: { SortOrder: { values: { UP: "UPWARDS" } } },
});

let generated: Awaited<ReturnType<typeof generateFixture>>;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let api: PowerCrud;
const lines: string[] = [];

beforeAll(async () => {
  generated = await generateFixture(join(import.meta.dirname, "name-models.prisma"));
  database = await createTestDatabase();
  const logger = createSilentLogger();
  const pool = createPool({ connectionString: database.url, applicationName: "test", logger });
  await pool.query(generated.sql ?? "");
  await pool.end();
  api = await createPowerCrud({
    config: configOf(),
    databaseUrl: database.url,
    role: "serve",
    logger: { ...logger, info: (_fields, message) => void lines.push(message) },
  });
  await api.start();
});
afterAll(async () => {
  await api.stop();
  await database.drop();
});

async function data(source: string, variableValues: Record<string, unknown> = {}): Promise<Answer> {
  const result = await graphql({
    schema: api.schema,
    source,
    variableValues,
    contextValue: { viewer: ANONYMOUS },
  });
  if (result.errors !== undefined) {
    throw new Error(JSON.stringify(result.errors), { cause: result.errors[0]?.originalError });
  }
  return JSON.parse(JSON.stringify(result.data));
}

const LAUNCHED =
  "__typename ... on TaskLaunched { task { status model progress { succeeded } message } } ... on Error { message } ... on ValidationError { problems { field message } }";

function capitalized(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

describe.each(Object.entries(NAMES))("the model %s", (_name, [type, many]) => {
  const one = `${type.charAt(0).toLowerCase()}${type.slice(1)}`;
  const Many = capitalized(many);

  test("is written, read, changed in bulk and deleted", async () => {
    const created = await data(`mutation {
      create${type}(data: {id: 1, note: "first"}) { __typename ... on Create${type}Payload { ${one} { __typename id note activeTask { id } } } }
      bulkCreate${Many}(data: [{id: 2, note: "second"}, {id: 3}], options: {mode: SYNC}) { ${LAUNCHED} }
    }`);
    const [single, bulk] = Object.values<Answer>(created);
    expect(single[one]).toEqual({ __typename: type, id: "1", note: "first", activeTask: null });
    expect(bulk.task).toMatchObject({ status: "SUCCEEDED", model: type, progress: { succeeded: 2 } });
    const changed = await data(`mutation {
      update${type}(id: "1", data: {note: "changed"}) { ... on Update${type}Payload { ${one} { note } } }
      upsert${type}(id: "4", create: {id: 4}, update: {}) { ... on Upsert${type}Payload { ${one} { id } } }
      bulkUpdate${Many}(selection: {where: {id: {in: [1, 2]}}}, data: {note: {set: "all"}}, options: {mode: SYNC}) { ${LAUNCHED} }
      bulkUpdateEach${Many}(records: [{id: "3", data: {note: "third"}}], options: {mode: SYNC}) { ${LAUNCHED} }
      bulkUpsert${Many}(records: [{id: "5", create: {id: 5}, update: {}}], options: {mode: SYNC}) { ${LAUNCHED} }
    }`);
    expect(changed[`update${type}`][one]).toEqual({ note: "changed" });
    for (const launch of [
      changed[`bulkUpdate${Many}`],
      changed[`bulkUpdateEach${Many}`],
      changed[`bulkUpsert${Many}`],
    ]) {
      expect(launch.task).toMatchObject({ status: "SUCCEEDED", model: type });
    }
    const read = await data(`{
      ${one}(id: "1") { note }
      ${many}(where: {NOT: {note: {isNull: true}}}, orderBy: [{note: ASC}, {id: DESC}], first: 2) { nodes { id note } totalCount pageInfo { endCursor } }
      tasks(where: {models: [${type}]}) { totalCount }
      recordLocks(model: ${type}, ids: ["1"]) { recordId }
    }`);
    expect(read[one]).toEqual({ note: "all" });
    expect(read[many]).toMatchObject({
      nodes: [
        { id: "2", note: "all" },
        { id: "1", note: "all" },
      ],
      totalCount: 3,
    });
    expect(read.tasks.totalCount).toBe(4);
    const deleted = await data(`mutation {
      delete${type}(id: "5") { ... on Delete${type}Payload { ${one} { id } } }
      bulkDelete${Many}(selection: {ids: ["3", "4"]}, options: {mode: SYNC}) { ${LAUNCHED} }
    }`);
    expect(deleted[`delete${type}`][one]).toEqual({ id: "5" });
    expect(deleted[`bulkDelete${Many}`].task).toMatchObject({
      status: "SUCCEEDED",
      progress: { succeeded: 2 },
    });
  });
});

test("the start tells each name that is not the usual one in a line of its own", () => {
  expect(lines).toContain(
    'Model Task is called "TaskModel" in the API: "Task" is taken (the API needs it for itself). The option apiName sets another name.',
  );
  expect(lines).toContain(
    'Field Words.NOT is called "NOT_" in the API: "NOT" is taken (the API needs it for itself). The option apiName sets another name.',
  );
  expect(lines.filter((line) => line.includes("Subscription") || line.includes("Words.OR"))).toEqual([]);
});

describe("fields and values with other names", () => {
  const WORDS = "id NOT_ AND_ either activeTask_ numero order";

  test("are written and read, single and in bulk", async () => {
    const { createWords, bulkUpdateWordsAll } = await data(`mutation {
      createWords(data: {id: 11, NOT_: "a", AND_: 1, either: true, activeTask_: "t", numero: 5, order: UPWARDS}) { ... on CreateWordsPayload { words { ${WORDS} } } }
      bulkUpdateWordsAll(selection: {where: {NOT_: {equals: "a"}, NOT: {order: {equals: true_}}}}, data: {AND_: {increment: 1}, either: {set: false}, order: {set: true_}}, options: {mode: SYNC}) { ${LAUNCHED} }
    }`);
    expect(createWords.words).toEqual({
      id: "11",
      NOT_: "a",
      AND_: 1,
      either: true,
      activeTask_: "t",
      numero: 5,
      order: "UPWARDS",
    });
    expect(bulkUpdateWordsAll.task).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 1 } });
    const { updateWords, bulkUpdateEachWordsAll, words } = await data(`mutation {
      updateWords(id: "11", data: {NOT_: "b"}) { ... on UpdateWordsPayload { words { NOT_ } } }
      bulkUpdateEachWordsAll(records: [{id: "11", data: {numero: 6}}], options: {mode: SYNC}) { ${LAUNCHED} }
    }`).then(async (answer) => ({ ...answer, ...(await data(`{ words(id: "11") { ${WORDS} } }`)) }));
    expect(updateWords.words).toEqual({ NOT_: "b" });
    expect(bulkUpdateEachWordsAll.task.status).toBe("SUCCEEDED");
    expect(words).toEqual({
      id: "11",
      NOT_: "b",
      AND_: 2,
      either: false,
      activeTask_: "t",
      numero: 6,
      order: "true_",
    });
  });

  test("filter and sort, and lead to related records", async () => {
    const answer = await data(`mutation {
      a: createWords(data: {id: 21, NOT_: "x", numero: 1}) { __typename }
      b: createWords(data: {id: 22, NOT_: "y", numero: 2}) { __typename }
      c: createQueryModel(data: {id: 21, wordsId: 21}) { __typename }
      d: createPerson(data: {id: 21}) { __typename }
      e: updatePerson(id: "21", data: {queries: {add: ["21"]}}) { __typename }
    }`);
    expect(Object.values(answer).every((one) => !JSON.stringify(one).includes("Error"))).toBe(true);
    const read = await data(`{
      wordsAll(where: {numero: {in: [1, 2]}}, orderBy: [{NOT_: DESC}]) { nodes { id some { nodes { NOT_ { NOT_ } } } } }
      queryModels(where: {wordsId: {gte: 1}}, orderBy: [{NOT_: {numero: ASC}}]) { nodes { id NOT_ { id } people { nodes { id queries { nodes { id } } } } } }
    }`);
    expect(read.wordsAll.nodes).toEqual([
      { id: "22", some: { nodes: [] } },
      { id: "21", some: { nodes: [{ NOT_: { NOT_: "x" } }] } },
    ]);
    expect(read.queryModels.nodes).toEqual([
      { id: "21", NOT_: { id: "21" }, people: { nodes: [{ id: "21", queries: { nodes: [{ id: "21" }] } }] } },
    ]);
  });

  test("have conditions and orders where Prisma's client needs the words for itself", async () => {
    const { named, combined, negated, related } = await data(`{
      named: wordsAll(where: {NOT_: {equals: "x"}}) { nodes { id } totalCount }
      combined: wordsAll(where: {OR: [{id: {equals: 21}}, {numero: {equals: 2}}]}, orderBy: [{NOT_: DESC}]) { nodes { id } }
      negated: wordsAll(where: {id: {in: [21, 22]}, NOT: {NOT_: {startsWith: "x"}}, AND: [{numero: {gt: 0}}]}) { nodes { id } }
      related: queryModels(where: {NOT_: {is: {NOT_: {equals: "x"}}}}) { nodes { id } }
    }`);
    expect(named).toEqual({ nodes: [{ id: "21" }], totalCount: 1 });
    expect(combined.nodes).toEqual([{ id: "22" }, { id: "21" }]);
    expect(negated.nodes).toEqual([{ id: "22" }]);
    expect(related.nodes).toEqual([{ id: "21" }]);
  });

  test("are named in problems, of single and of bulk writes", async () => {
    const { createRequired, bulkCreateRequireds } = await data(`mutation {
      createRequired(data: {id: 1, OR_: "\\u0000"}) { ... on ValidationError { problems { field message } } }
      bulkCreateRequireds(data: [{id: 1, OR_: "\\u0000"}], options: {mode: SYNC}) { ${LAUNCHED} }
    }`);
    expect(createRequired.problems).toMatchObject([{ field: "OR_" }]);
    expect(createRequired.problems[0].message).toContain("Required.OR_");
    expect(bulkCreateRequireds.problems).toMatchObject([{ field: "data.0.OR_" }]);
  });
});

describe("keys whose parts have other names", () => {
  const KEYS: readonly string[] = [
    "{id__tenant: {id_: 1, tenant: 2}}",
    // A word that Prisma's client needs for itself.
    '{tenant_AND_: {tenant: 2, AND_: "x"}}',
    '{activeTask_: "10.0.0.1"}',
    '{place: {tenant: 2, activeTask_: "10.0.0.1"}}',
  ];

  test.each(KEYS)("name a record, in single and in bulk writes: %s", async (key) => {
    const id = Buffer.from('["1","2"]').toString("base64url");
    const create = '{id_: 1, tenant: 2, name: "a", AND_: "x", activeTask_: "10.0.0.1"}';
    const { upsertPart, updatePart, bulkUpdateEachParts, bulkUpsertParts } = await data(`mutation {
      upsertPart(key: ${key}, create: ${create}, update: {}) { ... on UpsertPartPayload { part { id } } }
      updatePart(key: ${key}, data: {name: "b"}) { ... on UpdatePartPayload { part { id name } } }
      bulkUpdateEachParts(records: [{key: ${key}, data: {name: "c"}}], options: {mode: SYNC}) { ${LAUNCHED} }
      bulkUpsertParts(records: [{key: ${key}, create: ${create}, update: {name: "d"}}], options: {mode: SYNC}) { ${LAUNCHED} }
    }`);
    expect([upsertPart, updatePart]).toEqual([{ part: { id } }, { part: { id, name: "b" } }]);
    expect([bulkUpdateEachParts, bulkUpsertParts]).toMatchObject([
      { task: { status: "SUCCEEDED" } },
      { task: { status: "SUCCEEDED" } },
    ]);
    const { part } = await data(`{ part(key: ${key}) { id_ AND_ name } }`);
    expect(part).toEqual({ id_: 1, AND_: "x", name: "d" });
    const { deletePart } = await data(
      `mutation { deletePart(key: ${key}) { ... on DeletePartPayload { part { id } } } }`,
    );
    expect(deletePart).toEqual({ part: { id } });
  });

  test("are named in problems by their names in the API", async () => {
    const fieldsOf = async (key: string): Promise<readonly unknown[]> => {
      const { one, each } = await data(`mutation {
        one: updatePart(key: ${key}, data: {name: "b"}) { ... on ValidationError { problems { field } } }
        each: bulkUpdateEachParts(records: [{key: ${key}, data: {name: "b"}}], options: {mode: SYNC}) { ${LAUNCHED} }
      }`);
      return [one.problems, each.problems].map(([{ field }]) => field);
    };
    expect(await fieldsOf('{tenant_AND_: {tenant: 2, AND_: "\\u0000"}}')).toEqual([
      "key.tenant_AND_.AND_",
      "records.0.key.tenant_AND_.AND_",
    ]);
    // The database finds this out.
    expect(await fieldsOf('{activeTask_: "nowhere"}')).toEqual([
      "key.activeTask_",
      "records.0.key.activeTask_",
    ]);
  });
});

test("the schema is the same with and without a database, also in the keys that name records", () => {
  const printed = printSchema(lexicographicSortSchema(api.schema));
  expect(`${printed}\n`).toBe(printPowerCrudSchema(configOf()));
  const [, members = ""] = /input PartKey @oneOf \{([^}]*)\}/.exec(printed) ?? [];
  const names = [...members.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name);
  expect(names).toEqual(["activeTask_", "id", "id__tenant", "made", "place", "tenant_AND_"]);
});

test("a refusal speaks of the model by its name in the API", async () => {
  const { updateTaskModel } = await data(
    `mutation { updateTaskModel(id: "999", data: {note: "x"}) { ... on NotFoundError { message } } }`,
  );
  expect(updateTaskModel.message).toBe("There is no TaskModel 999.");
});
