import { join } from "node:path";
import type { GraphQLInputObjectType, GraphQLObjectType } from "graphql";
import { getIntrospectionQuery, printSchema } from "graphql";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPool } from "../../../src/adapters/postgres/connection/create-pool.ts";
import type { AppValues, HookRecord, PowerCrudService } from "../../../src/index.ts";
import { createService, createSilentLogger, defineConfig } from "../../../src/index.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";
import { generateFixture } from "./generate-fixture.ts";
import type { Answer } from "./models-fixture.ts";

/** Names and values that no answer may hold. */
const SECRET = /secret|sesame|clearance|barred|patron|protege|sketches|vault|token/i;

let generated: Awaited<ReturnType<typeof generateFixture>>;
let database: TestDatabase;
let service: PowerCrudService;
let pool: ReturnType<typeof createPool>;
/** Everything that the service has said over HTTP. */
const answers: string[] = [];

beforeAll(async () => {
  generated = await generateFixture(join(import.meta.dirname, "hidden-models.prisma"));
  database = await createTestDatabase();
  pool = createPool({
    connectionString: database.url,
    applicationName: "test",
    logger: createSilentLogger(),
  });
  await pool.query(generated.sql ?? "");
  await pool.query(
    `ALTER TABLE "Account" ADD CONSTRAINT secret_hash_is_long CHECK (length(secret_hash) > 3)`,
  );
  await pool.query(`INSERT INTO "Account" (id, email, nick, secret_hash, "patronId", "updatedAt") OVERRIDING SYSTEM VALUE VALUES
    (101, 'a@x', 'ann', 'SESAME-1', NULL, '2026-01-01'), (102, 'b@x', 'bob', 'SESAME-2', 101, '2026-01-01'), (103, 'c@x', 'cat', 'SESAME-3', 101, '2026-01-01')`);
  await pool.query(`INSERT INTO "Post" VALUES (1, 'first', 101), (2, 'second', 102)`);
  await pool.query(`INSERT INTO "Draft" VALUES (1, 'seeds', 101)`);
  await pool.query(`INSERT INTO "Tag" VALUES (1, 'red'), (2, 'blue')`);
  service = await createService({
    config: defineConfig({
      generated,
      models: {
        Account: {
          fields: {
            // option: models.fields.*.isExposed
            sketches: { isExposed: false },
            // option: models.fields.*.isFilterable
            // option: models.fields.*.isSortable
            bio: { isFilterable: false, isSortable: false },
            // option: models.fields.*.isBulkWritable
            tags: { isBulkWritable: false },
            // option: models.fields.*.isReadOnly
            badges: { isReadOnly: true },
          },
          hooks: { beforeCreate: ({ records }) => records.flatMap(hashOf) },
        },
        Memo: {
          access: ({ viewer: { id } }) => ({ patronNo: { equals: id ?? "" } }),
          hooks: {
            beforeCreate: ({ records }, { viewer }) =>
              records.map(({ id }) => ({ id, values: { patronNo: viewer.id } })),
          },
        },
      },
    }),
    databaseUrl: database.url,
    settings: { port: 0, progressIntervalMs: 0 },
    authenticate: ({ headers }) => Promise.resolve({ id: headers.get("x-viewer") }),
  });
  await service.start();
});
afterAll(async () => {
  await service.stop();
  await pool.end();
  await database.drop();
});

/** What the app's hook sets: by the nick, also what the database refuses. */
function hashOf({ id, change }: HookRecord): AppValues[] {
  const nick = String(change["nick"] !== undefined && "set" in change["nick"] ? change["nick"].set : "");
  const secretHash = { none: undefined, short: "S", long: "SESAME".repeat(10), dup: "SESAME-1" }[nick];
  if (nick === "none") {
    return [];
  }
  const values = { secretHash: secretHash ?? `SESAME of ${nick}` };
  return [{ id, values: nick === "wrong" ? { ...values, tokenCode: 1 } : values }];
}

/** The answer to an operation, errors included. */
async function ask(query: string, viewer = "somebody"): Promise<Answer> {
  const response = await fetch(`${service.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-viewer": viewer },
    body: JSON.stringify({ query }),
  });
  const text = await response.text();
  answers.push(text, ...cursorsIn(text));
  return JSON.parse(text);
}

/** The contents of the cursors in an answer. */
function cursorsIn(text: string): readonly string[] {
  return [...text.matchAll(/"(?:cursor|endCursor)":"([^"]+)"/g)].map(([, cursor = ""]) =>
    Buffer.from(cursor, "base64url").toString("utf8"),
  );
}

const ACCOUNT = `id email nick role bio updatedAt activeTask { id } tags { nodes { label } } badges { nodes { label } } posts { nodes { title author { nick } } }`;
const REFUSAL = `__typename ... on Error { code message } ... on ValidationError { problems { field code message } }`;
const STALE = `... on StaleAccountError { current { ${ACCOUNT} } }`;

async function write(field: string, viewer?: string): Promise<Answer> {
  const { data, errors } = await ask(`mutation { result: ${field} }`, viewer);
  expect(errors).toBeUndefined();
  return data.result;
}

/** A bulk mutation's task with all that can be read of it; its result files are among the answers, too. */
async function run(field: string, args: string, options = "errorPolicy: SKIP_FAILED"): Promise<Answer> {
  const result = await write(
    `${field}(${args}, options: {mode: SYNC, ${options}}) { ${REFUSAL} ... on TaskLaunched { task {
      id kind status message input result progress { total succeeded failed skipped message }
      errors { nodes { recordId index field code message } }
      events { nodes { type message } } } } }`,
  );
  expect(result).toMatchObject({ __typename: "TaskLaunched" });
  for (const file of ["errors.jsonl", "records.jsonl"]) {
    const response = await fetch(`${service.url}/tasks/${result.task.id}/${file}`);
    expect(response.status).toBe(200);
    answers.push(await response.text());
  }
  return result.task;
}

const newAccount = (nick: string, email = `${nick}@new`): string => `{nick: "${nick}", email: "${email}"}`;
const created = (nick: string, email?: string): Promise<Answer> =>
  write(
    `createAccount(data: ${newAccount(nick, email)}) { ${REFUSAL} ... on CreateAccountPayload { account { ${ACCOUNT} } } }`,
  );

/** The refusals of what the app's hook sets, by nick. */
const REFUSED = {
  dup: "It must be unique: another record has the same values.",
  short: "It would break a rule of the table.",
  none: "A value is missing that only the app itself can set.",
  long: "A text is longer than its column allows.",
  wrong: "The rules of Account could not be applied. The details are in the service's log.",
  ann: "It must be unique: another record has the same values.",
};

describe("a hidden field", () => {
  test("is nowhere in the schema, nor is what only hidden fields have", async () => {
    const { data } = await ask(getIntrospectionQuery());
    expect(JSON.stringify(data)).not.toMatch(SECRET);
    expect(printSchema(service.powercrud.schema)).not.toMatch(/SECRET|powercrud\(/);
    expect(data.__schema.types.find(({ name }: Answer) => name === "Account").fields).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: "email", description: "Where their mail goes." }),
      ]),
    );
  });

  test("is not among the fields that a viewer learns to have, and those have what their switches leave", async () => {
    const abilities = [
      "Read",
      "Filter",
      "Sort",
      "Create",
      "Update",
      "BulkCreate",
      "BulkUpdate",
      "BulkUpdateEach",
    ];
    const { data } = await ask(
      `{ viewer { models(names: [Account]) { fields { name ${abilities.map((each) => `can${each}`).join(" ")} } } } }`,
    );
    const closed = data.viewer.models[0].fields.map(({ name, ...can }: Answer) => [
      name,
      abilities.filter((each) => can[`can${each}`] === false).join(" "),
    ]);
    expect(Object.fromEntries(closed)).toEqual({
      id: "Update BulkUpdate BulkUpdateEach",
      email: "BulkUpdate BulkUpdateEach",
      nick: "",
      role: "Create Update BulkCreate BulkUpdate BulkUpdateEach",
      bio: "Filter Sort",
      posts: "BulkCreate BulkUpdate BulkUpdateEach",
      tags: "BulkCreate BulkUpdate BulkUpdateEach",
      badges: "Create Update BulkCreate BulkUpdate BulkUpdateEach",
      updatedAt: "Create Update BulkCreate BulkUpdate BulkUpdateEach",
    });
  });

  test("gets its value from beforeCreate, in single and bulk creates", async () => {
    expect(await created("eve")).toMatchObject({ account: { nick: "eve", role: "user" } });
    const task = await run(
      "bulkCreateAccounts",
      `data: [${["fay", "gus"].map((nick) => newAccount(nick)).join(", ")}]`,
    );
    expect(task).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 2 } });
    const { rows } = await pool.query(
      `SELECT nick, secret_hash AS hash, clearance::text FROM "Account" WHERE nick IN ('eve', 'fay', 'gus') ORDER BY nick`,
    );
    expect(rows).toEqual(
      ["eve", "fay", "gus"].map((nick) => ({ nick, hash: `SESAME of ${nick}`, clearance: "CLEARED" })),
    );
  });

  test.each(Object.entries(REFUSED))(
    "is not named where the database refuses it: %s",
    async (nick, message) => {
      const refused = await created(nick);
      expect(refused).toMatchObject({ __typename: "ValidationError" });
      expect(refused.problems).toEqual([
        { field: null, code: nick === "wrong" ? "INTERNAL" : "CONSTRAINT_VIOLATED", message },
      ]);
    },
  );

  test("is not named by the errors of a bulk create", async () => {
    const nicks = [...Object.keys(REFUSED).filter((nick) => nick !== "wrong"), "ida"];
    const task = await run(
      "bulkCreateAccounts",
      `data: [${nicks.map((nick) => newAccount(nick)).join(", ")}]`,
    );
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 1, failed: nicks.length - 1 } });
    const errors = task.errors.nodes.toSorted((a: Answer, b: Answer) => a.index - b.index);
    expect(errors.map(({ message }: Answer) => message)).toEqual(
      nicks.flatMap((nick) => REFUSED[nick as keyof typeof REFUSED] ?? []),
    );
  });

  test("is not named by updates, upserts and deletes that fail, nor by their tasks", async () => {
    const taken = { __typename: "ValidationError", problems: [{ field: null, message: REFUSED.ann }] };
    const payload = `{ ${REFUSAL} ${STALE} ... on UpdateAccountPayload { account { ${ACCOUNT} } } }`;
    expect(await write(`updateAccount(id: "102", data: {nick: "ann"}) ${payload}`)).toMatchObject(taken);
    expect(
      await write(
        `updateAccount(id: "102", data: {bio: "x"}, expectedUpdatedAt: "2020-01-01T00:00:00Z") ${payload}`,
      ),
    ).toMatchObject({ __typename: "StaleAccountError", current: { nick: "bob" } });
    expect(
      await write(`upsertAccount(id: "900", create: ${newAccount("dup")}, update: {}) { ${REFUSAL} }`),
    ).toMatchObject(taken);
    expect(await write(`deleteAccount(id: "101") { ${REFUSAL} }`)).toMatchObject({
      __typename: "ValidationError",
    });
    const tasks = [
      await run("bulkUpdateAccounts", `selection: {ids: ["102", "103"]}, data: {nick: {set: "ann"}}`),
      await run("bulkUpdateEachAccounts", `records: [{id: "102", data: {nick: "ann"}}]`),
      await run(
        "bulkUpsertAccounts",
        `records: [{id: "901", create: ${newAccount("dup")}, update: {bio: "x"}}]`,
      ),
      await run("bulkDeleteAccounts", `selection: {where: {nick: {in: ["ann"]}}}`),
      await run("bulkCreateAccounts", `data: [${newAccount("short")}]`, "errorPolicy: ALL_OR_NOTHING"),
      await run("bulkCreateAccounts", `data: [${newAccount("none")}]`, "dryRun: true"),
    ];
    expect(tasks.map(({ errors }) => errors.nodes.length)).toEqual([2, 1, 1, 1, 1, 1]);
    expect(tasks.map(({ errors }) => errors.nodes[0].field)).toEqual([null, null, null, null, null, null]);
  });

  test("gets its value in the create half of upserts, and keeps it in the update half", async () => {
    const upsert = (id: number, nick: string): string =>
      `{id: "${id}", create: ${newAccount(nick)}, update: {bio: "seen"}}`;
    expect(
      await write(`upsertAccount(id: "910", create: ${newAccount("joe")}, update: {}) { ${REFUSAL} }`),
    ).toMatchObject({ __typename: "UpsertAccountPayload" });
    expect(
      await run(
        "bulkUpsertAccounts",
        `records: [${upsert(910, "joe")}, ${upsert(911, "kim")}, ${upsert(103, "cat")}]`,
      ),
    ).toMatchObject({ status: "SUCCEEDED" });
    const { rows } = await pool.query(
      `SELECT bio, secret_hash AS hash FROM "Account" WHERE id IN (103, 910, 911) ORDER BY id`,
    );
    expect(rows).toEqual([
      { bio: "seen", hash: "SESAME-3" },
      { bio: "seen", hash: "SESAME of joe" },
      { bio: null, hash: "SESAME of kim" },
    ]);
  });

  test("may be what a scope asks for, and what a hook sets from the viewer", async () => {
    const memo = `{ ${REFUSAL} ... on CreateMemoPayload { memo { text } } }`;
    expect(await write(`createMemo(data: {text: "mine"}) ${memo}`, "left")).toMatchObject({
      memo: { text: "mine" },
    });
    await write(
      `bulkCreateMemos(data: [{text: "ours"}, {text: "too"}], options: {mode: SYNC}) { __typename }`,
      "right",
    );
    const seenBy = async (viewer: string): Promise<number> =>
      (await ask(`{ memos { totalCount } }`, viewer)).data.memos.totalCount;
    expect([await seenBy("left"), await seenBy("right"), await seenBy("none")]).toEqual([1, 2, 0]);
  });

  test("is not in lists, cursors and orders", async () => {
    const { data } = await ask(`{ accounts(first: 2, orderBy: [{nick: DESC}, {role: ASC}]) {
      totalCount nodes { ${ACCOUNT} } edges { cursor } pageInfo { endCursor } } }`);
    expect(data.accounts.edges).toHaveLength(2);
    expect(data.accounts.nodes[0]).toMatchObject({ role: "user", posts: { nodes: [] } });
  });

  test.each([
    `{ accounts { nodes { FIELD } } }`,
    `{ account(id: "101") { FIELD { id } } }`,
    `{ accounts(where: {FIELD: {equals: "SESAME-1"}}) { totalCount } }`,
    `{ accounts(where: {NOT: {AND: [{FIELD: {isNull: false}}]}}) { totalCount } }`,
    `{ posts(where: {author: {is: {FIELD: {startsWith: "S"}}}}) { totalCount } }`,
    `{ tags(where: {accounts: {some: {FIELD: {startsWith: "S"}}}}) { totalCount } }`,
    `{ tags { nodes { accounts(where: {FIELD: {lt: "S"}}) { totalCount } } } }`,
    `{ drafts(where: {owner: {isNot: {FIELD: {equals: 101}}}}) { totalCount } }`,
    `{ accounts(orderBy: [{FIELD: ASC}]) { totalCount } }`,
    `{ posts(orderBy: [{author: {FIELD: DESC}}]) { totalCount } }`,
    `{ tags { nodes { accounts(orderBy: [{FIELD: ASC}]) { totalCount } } } }`,
    `{ drafts { nodes { owner { FIELD { nodes { id } } } } } }`,
    `mutation { createAccount(data: {nick: "x", email: "x", FIELD: "x"}) { ${REFUSAL} } }`,
    `mutation { updateAccount(id: "101", data: {FIELD: "x"}) { ${REFUSAL} } }`,
    `mutation { upsertAccount(id: "101", create: {nick: "x", email: "x", FIELD: "x"}, update: {FIELD: "x"}) { ${REFUSAL} } }`,
    `mutation { bulkUpdateAccounts(selection: {where: {FIELD: {equals: "x"}}}, data: {FIELD: {set: "x"}}) { ${REFUSAL} } }`,
    `mutation { bulkUpdateEachAccounts(records: [{id: "101", data: {FIELD: "x"}}]) { ${REFUSAL} } }`,
    `mutation { bulkUpsertAccounts(records: [{id: "1", create: {FIELD: "x"}, update: {FIELD: "x"}}]) { ${REFUSAL} } }`,
    `mutation { bulkCreateAccounts(data: [{FIELD: "x"}]) { ${REFUSAL} } }`,
  ])("is answered like a field that is not there: %s", async (document) => {
    const answerFor = async (field: string): Promise<string> => {
      const answer = JSON.stringify(await ask(document.replaceAll("FIELD", field)));
      answers.splice(answers.length - 1);
      return answer.replaceAll(field, "FIELD").replaceAll(/"column":\d+/g, "");
    };
    const unknown = await answerFor("qqqqqqqq");
    expect(unknown).toContain("GRAPHQL_VALIDATION_FAILED");
    for (const field of ["secretHash", "clearance", "patronId", "patron", "proteges", "sketches"]) {
      expect(await answerFor(field)).toBe(unknown);
    }
  });

  test("is in no answer at all, nor is its value, and no error is unexpected", () => {
    expect(answers.length).toBeGreaterThan(35);
    expect(answers.filter((answer) => SECRET.test(answer))).toEqual([]);
    expect(answers.filter((answer) => answer.includes("Unexpected error"))).toEqual([]);
  });
});

describe("the relations of a hidden field", () => {
  test("are hidden with their foreign key, and the others are read at any depth", async () => {
    const { data } = await ask(`{
      posts(orderBy: [{author: {nick: DESC}}], where: {author: {is: {nick: {in: ["ann", "bob"]}}}}) {
        nodes { title author { nick posts { nodes { author { email tags { nodes { accounts { totalCount } } } } } } } } }
      drafts { nodes { title owner { nick } } } }`);
    expect(data.posts.nodes.map(({ author }: Answer) => author.nick)).toEqual(["bob", "ann"]);
    expect(data.drafts.nodes).toEqual([{ title: "seeds", owner: { nick: "ann" } }]);
  });
});

describe("the switches of fields", () => {
  const fieldsOf = (type: string): readonly string[] => {
    const found = service.powercrud.schema.getType(type) as
      | GraphQLInputObjectType
      | GraphQLObjectType
      | undefined;
    return Object.keys(found?.getFields() ?? {}).toSorted();
  };

  test.each([
    [
      "Account",
      "activeTask badges badgesAggregate bio email id nick posts postsAggregate role tags tagsAggregate updatedAt",
    ],
    ["AccountWhere", "AND NOT OR badges email id nick posts role tags updatedAt"],
    ["AccountOrderBy", "badges email id nick posts role tags updatedAt"],
    // No switch closes posts, which single writes may write with an account; sketches are hidden.
    ["AccountCreateInput", "bio createTags email id nick posts tags"],
    ["AccountUpdateInput", "bio createTags email nick posts tags"],
    ["AccountUpsertCreateInput", "bio email id nick tags"],
    ["AccountUpsertUpdateInput", "bio email nick tags"],
    ["AccountNestedPostsInput", "connect create"],
    ["AccountNestedPostsCreateInput", "id title"],
    ["AccountBulkCreateInput", "bio email id nick"], // A new account needs its email.
    ["AccountUpdateEachDataInput", "bio nick"],
    ["AccountBulkUpdateInput", "bio nick"],
    ["TagUpdateInput", "accounts bearers createAccounts createBearers label"],
  ])("leave %s with %s", (type, fields) => {
    expect(fieldsOf(type).join(" ")).toBe(fields);
  });

  test("leave out the creates of a model that needs what only the app can set", () => {
    const mutations = Object.keys(service.powercrud.schema.getMutationType()?.getFields() ?? {});
    expect(mutations.filter((name) => /Sessions?$/.test(name)).toSorted()).toEqual([
      "bulkDeleteSessions",
      "bulkUpdateEachSessions",
      "bulkUpdateSessions",
      "deleteSession",
      "updateSession",
    ]);
  });
});
