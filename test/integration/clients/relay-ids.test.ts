import type { GraphQLArgument, GraphQLInputField } from "graphql";
import { getNamedType, GraphQLID, isInputObjectType, isObjectType } from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defineTask, registerDescendants } from "../../../src/index.ts";
import demoConfig from "../../../powercrud.config.ts";
import { ownerOf } from "../../../src/graphql/record-ids.ts";
import type { ClientFixture } from "./client-fixture.ts";
import { startClientFixture } from "./client-fixture.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- the data of the documents below
type Data = any;

/** The places whose ids are of tasks, notifications, processes and viewers: they have no model. */
const PLAIN = [
  "DeadNotification.id",
  "Mutation.cancelTask.id",
  "Mutation.deleteSavedView.id",
  "Mutation.markNotificationRead.id",
  "Mutation.pauseTask.id",
  "Mutation.resumeTask.id",
  "Mutation.retryNotification.id",
  "Mutation.retryTask.id",
  "Mutation.saveView.id",
  "Notification.id",
  "NotificationRetried.notificationId",
  "Query.node.id",
  "Query.nodes.ids",
  "Query.task.id",
  "SavedView.createdBy",
  "SavedView.id",
  "Schedule.pausedBy",
  "ServiceProcess.id",
  "Subscription.taskProgress.id",
  "Task.createdBy",
  "Task.id",
  "Task.pausedBy",
  "TaskEventWhere.taskIds",
  "TaskProgress.id",
  "TaskWhere.createdBy",
  "TaskWhere.ids",
  "TaskWhere.parents",
  "ViewDeleted.viewId",
  "ViewerInfo.id",
];

const NO_ID = "00000000-0000-7000-8000-000000000000";

let fixture: ClientFixture;

beforeAll(async () => {
  fixture = await startClientFixture({
    config: {
      ...demoConfig,
      // option: relay
      relay: true,
      tasks: [
        ...(demoConfig.tasks ?? []),
        defineTask({
          kind: "needCity",
          async run() {
            await registerDescendants("City", [7]);
            return null;
          },
        }),
      ],
      models: {
        City: { access: ({ viewer: { id } }) => (id === "guest" ? { id: { lte: 30 } } : true) },
      },
    },
    authenticate: ({ headers }) => Promise.resolve({ id: headers.get("x-user") }),
  });
  await fixture.query("INSERT INTO language (code, name) VALUES ('fr', 'French'), ('oc', 'Occitan')");
});
afterAll(() => fixture.stop());

async function ask(
  query: string,
  variables: object = {},
  user = "editor",
): Promise<{ data: Data; errors?: Data }> {
  const response = await fetch(`${fixture.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-user": user },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as { data: Data; errors?: Data };
}

async function dataOf(query: string, variables: object = {}, user?: string): Promise<Data> {
  const { data, errors } = await ask(query, variables, user);
  expect(errors).toBeUndefined();
  return data;
}

/** The lines of a task's files: of errors, and of records. */
function filesOf(task: string): Promise<readonly Data[]> {
  return Promise.all(
    ["errors", "records"].map(async (name) => {
      const text = await (await fetch(`${fixture.url}/tasks/${task}/${name}.jsonl`)).text();
      return text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line));
    }),
  );
}

describe("in Relay mode", () => {
  it("every place of type ID says whose ids it holds, or holds none of records", () => {
    const plain = new Set<string>();
    const note = (owner: string, place: GraphQLArgument | GraphQLInputField, isInherited = false): void => {
      if (getNamedType(place.type) === GraphQLID && ownerOf(place) === undefined && !isInherited) {
        plain.add(`${owner}.${place.name}`);
      }
    };
    for (const type of Object.values(fixture.schema().getTypeMap())) {
      if (isObjectType(type)) {
        for (const field of Object.values(type.getFields())) {
          note(type.name, field as unknown as GraphQLArgument);
          field.args.forEach((argument) => note(`${type.name}.${field.name}`, argument));
        }
      } else if (isInputObjectType(type)) {
        Object.values(type.getFields()).forEach((field) =>
          note(type.name, field, type.name === "ManyChange"),
        );
      }
    }
    expect([...plain].toSorted()).toEqual(PLAIN);
  });

  it("gives typed ids of records, and takes them as arguments and in inputs", async () => {
    const { createTag } = await dataOf(
      `mutation { createTag(data: {label: "old", cities: ["City:1", "City:02"]}) { ... on CreateTagPayload {
        tag { id cities { nodes { id country { id } } } } } } }`,
    );
    const { id, cities } = createTag.tag;
    expect(id).toMatch(/^Tag:[-0-9a-f]{36}$/);
    expect(cities.nodes).toEqual([
      { id: "City:1", country: { id: "Country:FR" } },
      { id: "City:2", country: { id: "Country:FR" } },
    ]);
    expect(
      await dataOf(
        `mutation ($tag: ID!) {
          byId: updateCity(id: "City:1", data: {tags: {remove: [$tag]}}) { ... on UpdateCityPayload { city { ...It } } }
          byKey: updateCity(key: {id: "City:3"}, data: {tags: {add: [$tag]}}) { ... on UpdateCityPayload { city { ...It } } }
          upsertCountry(id: "Country:FR", create: {name: "no", continent: EUROPE}, update: {languages: {add: ["Language:fr"]}})
            { ... on UpsertCountryPayload { country { id languages { nodes { id } } } } }
          byLabel: upsertTag(key: {label: "new"}, create: {}, update: {}) { ... on UpsertTagPayload { tag { id label } } }
          deleteLanguage(id: "Language:oc") { ... on DeleteLanguagePayload { language { id } } }
        }
        fragment It on City { id tags { nodes { id } } }`,
        { tag: id },
      ),
    ).toEqual({
      byId: { city: { id: "City:1", tags: { nodes: [] } } },
      byKey: { city: { id: "City:3", tags: { nodes: [{ id }] } } },
      upsertCountry: { country: { id: "Country:FR", languages: { nodes: [{ id: "Language:fr" }] } } },
      byLabel: { tag: { id: expect.stringMatching(/^Tag:/) as string, label: "new" } },
      deleteLanguage: { language: { id: "Language:oc" } },
    });
    expect(
      await dataOf(
        `{ cities(ids: ["City:2", "City:1"]) { nodes { id } }
          country(id: "Country:FR") { cities(ids: ["City:5"]) { nodes { id } } }
          city(id: "City:0003") { id } other: city(key: {id: "City:4"}) { id } none: tag(id: "Tag:${NO_ID}") { id } }`,
      ),
    ).toEqual({
      cities: { nodes: [{ id: "City:1" }, { id: "City:2" }] },
      country: { cities: { nodes: [{ id: "City:5" }] } },
      city: { id: "City:3" },
      other: { id: "City:4" },
      none: null,
    });
  });

  it("bulk operations take typed ids and keep plain ones, with which they can be launched again", async () => {
    const { each, some, links } = await dataOf(
      `mutation {
        each: bulkUpdateEachCities(records: [
          {id: "City:5", data: {notes: "each"}}, {key: {id: "City:999"}, data: {notes: "gone"}}],
          options: {errorPolicy: SKIP_FAILED, mode: SYNC}) { ...It }
        some: bulkUpdateCities(selection: {ids: ["City:5", "City:998"]}, data: {notes: {set: "some"}}, options: {mode: SYNC}) { ...It }
        links: bulkUpdateCountries(selection: {ids: ["Country:FR"]}, data: {languages: {set: ["Language:fr"]}}, options: {mode: SYNC}) { ...It }
      }
      fragment It on LaunchResult { __typename ... on Error { message } ... on TaskLaunched { task { id status input errors { nodes { recordId code } } } } }`,
    );
    expect(each.task).toMatchObject({
      errors: { nodes: [{ recordId: "City:999", code: "RECORD_MISSING" }] },
      input: { records: [{ id: "5" }, { key: { id: "999" } }] },
    });
    expect(some.task.errors.nodes).toEqual([{ recordId: "City:998", code: "RECORD_MISSING" }]);
    expect(some.task.input).toMatchObject({ selection: { ids: ["5", "998"] } });
    expect(links.task.status).toBe("SUCCEEDED");
    expect(JSON.stringify(links.task.input)).toContain('"set":["fr"]');
    expect(await filesOf(each.task.id)).toEqual([
      [
        {
          recordId: "City:999",
          index: 1,
          outcome: "SKIPPED",
          code: "RECORD_MISSING",
          message: expect.any(String) as string,
        },
      ],
      [
        { id: "City:5", outcome: "SUCCEEDED" },
        { id: "City:999", outcome: "SKIPPED", code: "RECORD_MISSING", message: expect.any(String) as string },
      ],
    ]);
  });

  it("conflicts and locks name records by typed ids", async () => {
    const release = await fixture.holdCity(7);
    const { bulkUpdateCities } = await dataOf(
      `mutation { bulkUpdateCities(selection: {ids: ["City:7"]}, data: {notes: {set: "held"}}, options: {mode: ASYNC})
        { ... on TaskLaunched { task { id } } } }`,
    );
    expect(
      await dataOf(
        `{ recordLocks(model: City, ids: ["City:7", "City:8"]) { model recordId heldBy { id } } }`,
      ),
    ).toEqual({
      recordLocks: [{ model: "City", recordId: "City:7", heldBy: { id: bulkUpdateCities.task.id } }],
    });
    const { updateCity } = await dataOf(
      `mutation { updateCity(id: "City:7", data: {name: "no"}) { ... on ConflictError { conflicts { recordId } } } }`,
    );
    expect(updateCity.conflicts).toEqual([{ recordId: "City:7" }]);
    const { launchNeedCity } = await dataOf(
      `mutation { launchNeedCity(options: {mode: SYNC}) { ... on TaskLaunched { task {
        id model errors { nodes { model recordId code } } } } } }`,
    );
    expect(launchNeedCity.task).toMatchObject({
      model: null,
      errors: { nodes: [{ model: "City", recordId: "City:7", code: "RECORD_LOCKED" }] },
    });
    const [errors] = await filesOf(launchNeedCity.task.id);
    expect(errors).toMatchObject([{ recordId: "City:7", code: "RECORD_LOCKED" }]);
    await release();
  });

  it.each([
    ["updateCity", `updateCity(id: "Country:FR", data: {})`, "id"],
    ["updateCity", `updateCity(id: "7", data: {})`, "id"],
    ["updateCity", `updateCity(id: "City:x", data: {})`, "id"],
    ["updateCity", `updateCity(id: "", data: {})`, "id"],
    ["updateCity", `updateCity(key: {id: "Tag:7"}, data: {})`, "key.id"],
    ["updateTag", `updateTag(key: {label: "x"}, data: {cities: {add: ["City:1", "Tag:1"]}})`, "cities"],
    ["bulkDeleteCities", `bulkDeleteCities(selection: {ids: ["City:1", "Tag:1"]})`, "selection.ids"],
    [
      "bulkUpdateEachCities",
      `bulkUpdateEachCities(records: [{id: "City:1", data: {}}, {id: "1", data: {}}])`,
      "records.1.id",
    ],
    ["bulkCreateTags", `bulkCreateTags(data: [{label: "x", cities: ["1"]}])`, "data.0.cities"],
  ])("%s refuses an id that is none of the model's: %s", async (name, call, field) => {
    const { [name]: refusal } = await dataOf(
      `mutation { ${call} { ... on ValidationError { message problems { field } } } }`,
    );
    expect(refusal.problems).toEqual([{ field }]);
    expect(refusal.message).toMatch(/is not an id of City: expected "City:", then the text of id Int\.$/);
  });

  it("queries refuse such an id as an error", async () => {
    for (const call of [
      `city(id: "7") { id }`,
      `cities(ids: ["7"]) { totalCount }`,
      `recordLocks(model: City, ids: ["7"]) { model }`,
    ]) {
      const { errors } = await ask(`{ ${call} }`);
      expect(errors).toMatchObject([
        {
          message: '"7" is not an id of City: expected "City:", then the text of id Int.',
          extensions: { code: "VALIDATION_FAILED" },
        },
      ]);
    }
    const { errors } = await ask(`{ node(id: "7") { id } }`);
    expect(errors[0].message).toMatch(/^"7" is not an id: expected that of a task or of a record, such as "/);
  });

  it("finds records and tasks by their ids, in the order asked, within the scope", async () => {
    const { bulkUpdateCities } = await dataOf(
      `mutation { bulkUpdateCities(selection: {ids: ["City:40"]}, data: {notes: {set: "note"}}, options: {mode: SYNC}) { ... on TaskLaunched { task { id } } } }`,
    );
    const task = bulkUpdateCities.task.id;
    const ids = ["Country:FR", "City:31", task, "City:30", "City:31", "City:999", NO_ID, "Country:XX"];
    const query = `query ($ids: [ID!]!) { nodes(ids: $ids) {
      __typename id
      ... on City { name country { name cities(first: 1, orderBy: {id: DESC}) { nodes { id } } } }
      ... on Country { cities(first: 1) { totalCount nodes { id } } }
      ... on Task { kind } } }`;
    const city = (id: number, last: number): Data => ({
      __typename: "City",
      id: `City:${id}`,
      name: `City ${id}`,
      country: { name: "France", cities: { nodes: [{ id: `City:${last}` }] } },
    });
    const country = (totalCount: number): Data => ({
      __typename: "Country",
      id: "Country:FR",
      cities: { totalCount, nodes: [{ id: "City:1" }] },
    });
    const found = { __typename: "Task", id: task, kind: "bulkUpdate" };
    expect((await dataOf(query, { ids })).nodes).toEqual([
      country(40),
      city(31, 40),
      found,
      city(30, 40),
      city(31, 40),
      null,
      null,
      null,
    ]);
    expect((await dataOf(query, { ids }, "guest")).nodes).toEqual([
      country(30),
      null,
      found,
      city(30, 30),
      null,
      null,
      null,
      null,
    ]);
    const one = `query ($id: ID!) { node(id: $id) { id ... on City { name } } }`;
    expect(await dataOf(one, { id: "City:31" })).toEqual({ node: { id: "City:31", name: "City 31" } });
    expect(await dataOf(one, { id: "City:31" }, "guest")).toEqual({ node: null });
    expect(await dataOf(one, { id: task }, "guest")).toEqual({ node: { id: task } });
  });
});
