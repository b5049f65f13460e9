import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Answer } from "./models-fixture.ts";
import type { NamedPeople } from "./named-people.ts";
import { BADGE, createNamedPeople, newcomer } from "./named-people.ts";

let world: NamedPeople;

beforeAll(async () => {
  world = await createNamedPeople();
});
afterAll(() => world.stop());
beforeEach(() => world.reset());

/** Every key of the first person, in other spellings than the database has. */
const ANN = [
  { id: "001" },
  { email: "ANN@x" },
  { badge: BADGE.toUpperCase() },
  { born: "2001-02-03T17:00:00Z" },
  { team_slug: { team: 1, slug: "ann" } },
  { rank: { kind: "STAFF", number: 1 } },
];

describe("a record named by a key", () => {
  test.each(ANN)("is found, changed and deleted: %j", async (key) => {
    const find = "query ($key: PersonKey) { person(key: $key) { id name } }";
    expect(await world.api.data(find, { key })).toEqual({ person: { id: "1", name: "Ann" } });
    expect(
      await world.write("updatePerson", {
        key: ["PersonKey", key],
        data: ["PersonUpdateInput!", { name: "Anne" }],
      }),
    ).toMatchObject({ person: { id: "1", name: "Anne" } });
    const { email, team, slug, kind, number } = {
      email: "ANN@x",
      team: 1,
      slug: "ann",
      kind: "STAFF",
      number: 1,
    };
    const same = { name: "never", email, team, slug, kind, number };
    expect(await world.upsertPerson(key, same, { name: "Anna" })).toMatchObject({
      person: { id: "1", name: "Anna" },
    });
    expect(await world.write("deletePerson", { key: ["PersonKey", key] })).toMatchObject({
      person: { id: "1" },
    });
    expect(await world.api.data(find, { key })).toEqual({ person: null });
    const gone = await world.write("deletePerson", { key: ["PersonKey", key] });
    expect(gone).toMatchObject({ __typename: "NotFoundError" });
    expect(gone.message).toMatch(/^There is no Person (1|with .+)\.$/);
    expect(await world.people()).toEqual(["2 bob@x Bob"]);
  });

  test("may be named by all parts of its own key", async () => {
    await world.api.query(`INSERT INTO "Room" VALUES (3, 'b', '33', 'old')`);
    const key = { floor_door: { floor: 3, door: "b" } };
    expect(
      await world.write("updateRoom", { key: ["RoomKey", key], data: ["RoomUpdateInput!", { name: "new" }] }),
    ).toMatchObject({ room: { id: Buffer.from('["3","b"]').toString("base64url"), name: "new" } });
  });

  test("cannot be named by a key whose values the API cannot give exactly", async () => {
    const { __type } = await world.api.data(`{ __type(name: "PersonKey") { inputFields { name } } }`);
    const names = __type.inputFields.map(({ name }: Answer) => name);
    expect(names).toEqual(["id", "email", "badge", "born", "address", "team_slug", "rank"]);
    for (const address of ["10.0.0.1", "10.0.0.1/32"]) {
      const create = newcomer("Cid", { email: "cid@x" });
      expect(await world.upsertPerson({ address }, create, {})).toMatchObject({ person: { id: "3" } });
    }
  });

  test("is told in words when it is missing", async () => {
    const key = { team_slug: { team: 7, slug: "x" } };
    expect(
      await world.write("updatePerson", {
        key: ["PersonKey", key],
        data: ["PersonUpdateInput!", { name: "x" }],
      }),
    ).toMatchObject({ code: "NOT_FOUND", message: 'There is no Person with team 7 and slug "x".' });
  });

  test.each([
    [{ id: "1", key: { id: "1" } }, "key", "Give either id or key, not both."],
    [{}, "id", "Give either id or key, to say which record is meant."],
    [{ key: { id: "x" } }, "key.id", "is not an id of Person"],
    [{ key: { badge: "x" } }, "key.badge", '"x" is not UUID.'],
  ])("needs one well-formed name: %j", async (name, field, message) => {
    const { id, key } = name as { id?: string; key?: object };
    const refused = await world.write("updatePerson", {
      id: ["ID", id],
      key: ["PersonKey", key],
      data: ["PersonUpdateInput!", { name: "x" }],
    });
    expect(refused).toMatchObject({ __typename: "ValidationError", problems: [{ field }] });
    expect(refused.problems[0].message).toContain(message);
    await expect(
      world.api.data("query ($id: ID, $key: PersonKey) { person(id: $id, key: $key) { id } }", { id, key }),
    ).rejects.toThrow(message.replaceAll('"', '\\"'));
    const listed = await world.updateEach([
      { id: "2", data: { name: "x" } },
      { ...name, data: { name: "x" } },
    ]);
    expect(listed).toMatchObject({ problems: [{ field: `records.1.${field}` }] });
    await expect(world.api.data(`{ person(key: {badge: null}) { id } }`)).rejects.toThrow("badge");
  });

  test("is out of reach for a viewer who may not see it", async () => {
    const key = { email: "bob@x" };
    const data = ["PersonUpdateInput!", { name: "x" }] as [string, unknown];
    expect(await world.write("updatePerson", { key: ["PersonKey", key], data }, "team 1")).toMatchObject({
      message: 'There is no Person with email "bob@x".',
    });
    const taken = { message: "email must be unique: another record has bob@x.", field: "email" };
    expect(await world.upsertPerson(key, newcomer("x", { team: 1 }), { name: "x" }, "team 1")).toMatchObject({
      problems: [taken],
    });
    const record = { key, create: newcomer("x", { team: 1 }), update: { name: "x" } };
    expect(await world.upsertPeople([record], {}, "team 1")).toMatchObject({
      errors: [{ ...taken, recordId: '{"email":"bob@x"}', index: 0 }],
    });
    expect(await world.people()).toEqual(["1 ann@x Ann", "2 bob@x Bob"]);
  });
});

describe("an upsert by a key", () => {
  test("creates the missing record with the key's values, under an id of its own", async () => {
    expect(await world.upsertPerson({ email: "cid@x" }, newcomer("Cid"), { name: "never" })).toMatchObject({
      person: { id: "3", email: "cid@x", name: "Cid" },
    });
    const made = await world.upsertParcel("9007199254740993", "first", "second");
    expect(made).toMatchObject({ parcel: { code: "9007199254740993", label: "first" } });
    expect(await world.upsertParcel("9007199254740993", "first", "second")).toMatchObject({
      parcel: { id: made.parcel.id, label: "second" },
    });
  });

  test("takes the same values again in create, and refuses others with their path", async () => {
    const create = newcomer("Cid", { email: "CID@x" });
    expect(await world.upsertPerson({ email: "cid@x" }, create, {})).toMatchObject({
      person: { email: "CID@x" },
    });
    const other = { ...newcomer("Dan"), team: 1, email: "dan@x" };
    expect(await world.upsertPerson({ team_slug: { team: 2, slug: "dan" } }, other, {})).toMatchObject({
      problems: [{ field: "create.slug" }, { field: "create.team" }].toReversed(),
    });
    const listed = await world.upsertPeople([
      { key: { email: "dan@x" }, create: { ...other, email: "eve@x" }, update: {} },
    ]);
    expect(listed).toMatchObject({
      problems: [
        {
          field: "records.0.create.email",
          message:
            "records.0.create.email: Person.email is not what key says. Leave it out, or give what key says.",
        },
      ],
    });
  });

  test("cannot be by a key that callers may not set, which names a record all the same", async () => {
    await world.api.query(`INSERT INTO "Parcel" VALUES ('p', 5, 'old', 77)`);
    const key: [string, object] = ["ParcelKey", { serial: 77 }];
    const change = { label: "new" };
    expect(
      await world.write("upsertParcel", {
        key,
        create: ["ParcelUpsertCreateInput!", { code: 6, label: "x" }],
        update: ["ParcelUpsertUpdateInput!", change],
      }),
    ).toMatchObject({ problems: [{ field: "key" }] });
    expect(await world.write("updateParcel", { key, data: ["ParcelUpdateInput!", change] })).toMatchObject({
      parcel: { id: "p", label: "new" },
    });
  });

  test("may change the very key that names the record", async () => {
    expect(await world.upsertPerson({ email: "ann@x" }, newcomer("x"), { email: "new@x" })).toMatchObject({
      person: { id: "1", email: "new@x" },
    });
  });

  test("is refused while a task holds the record by its id, and names it", async () => {
    const { task } = await world.api.hold([{ model: "Person", ids: ["1"] }]);
    const conflicts = [{ model: "Person", recordId: "1", heldBy: { id: task.id } }];
    expect(await world.upsertPerson({ email: "ann@x" }, newcomer("x"), { name: "x" })).toMatchObject({
      conflicts,
    });
    expect(
      await world.upsertPeople([
        { key: { badge: BADGE }, create: newcomer("x", { email: "n@x" }), update: { name: "x" } },
      ]),
    ).toMatchObject({ __typename: "ConflictError", message: expect.stringMatching(/^Person 1 is held by/) });
  });

  test("is refused while a task holds the missing record by its name, or the id that it would get", async () => {
    const { task, release } = await world.api.hold([
      { model: "Person", ids: ['{"email":"cid@x"}'] },
      { model: "Room", ids: [Buffer.from('["3","b"]').toString("base64url")] },
    ]);
    expect(await world.upsertPerson({ email: "cid@x" }, newcomer("Cid"), {})).toMatchObject({
      conflicts: [{ recordId: '{"email":"cid@x"}', heldBy: { id: task.id } }],
    });
    const room = { floor: 3, door: "b", name: "x" };
    const create = ["RoomUpsertCreateInput!", room] as [string, unknown];
    const update = ["RoomUpsertUpdateInput!", {}] as [string, unknown];
    const upsert = (): Promise<Answer> =>
      world.write("upsertRoom", { key: ["RoomKey", { phone: "33" }], create, update });
    expect(await upsert()).toMatchObject({ __typename: "ConflictError" });
    const records = [{ key: { phone: "33" }, create: room, update: {} }];
    const bulk = (options: object): Promise<Answer> =>
      world.api.run("bulkUpsertRooms", { records: ["[RoomUpsertInput!]!", records] }, options);
    expect(await bulk({})).toMatchObject({ __typename: "ConflictError" });
    expect(await bulk({ onConflict: "SKIP" })).toMatchObject({
      errors: [{ recordId: '{"phone":"33"}', code: "RECORD_LOCKED", outcome: "SKIPPED", index: 0 }],
    });
    expect(await world.api.query(`SELECT FROM "Room"`)).toEqual([]);
    await release();
    expect(await upsert()).toMatchObject({ room: { phone: "33" } });
  });
});

describe("upserts by a key that race", () => {
  test("on an absent record: one creates, the others update", async () => {
    for (let round = 1; round <= 8; round += 1) {
      const hosts = [
        (): Promise<Answer> =>
          world.upsertPerson({ email: `r${round}@x` }, newcomer("made"), { name: "changed" }),
        (): Promise<Answer> => world.upsertParcel(`${round}`, "made", "changed"),
      ];
      const answers = await Promise.all(hosts.flatMap((host) => [host(), host(), host()]));
      expect(answers.map(({ __typename, message }) => message ?? __typename)).toEqual([
        "UpsertPersonPayload",
        "UpsertPersonPayload",
        "UpsertPersonPayload",
        "UpsertParcelPayload",
        "UpsertParcelPayload",
        "UpsertParcelPayload",
      ]);
      const [person] = await world.api.query(
        `SELECT count(*)::int, min(name) AS name FROM "Person" WHERE email = $1`,
        [`r${round}@x`],
      );
      const [parcel] = await world.api.query(
        `SELECT count(*)::int, min(label) AS name FROM "Parcel" WHERE code = $1`,
        [round],
      );
      expect([person, parcel]).toEqual([
        { count: 1, name: "changed" },
        { count: 1, name: "changed" },
      ]);
    }
  });

  const INSERT_CID = `INSERT INTO "Person" (email, team, slug, number, name) VALUES ('cid@x', 5, 'cid', 5, 'first')`;

  test("with another program's create: its record is updated, single and bulk", async () => {
    expect(
      await world.meanwhile(INSERT_CID, () =>
        world.upsertPerson({ email: "cid@x" }, newcomer("x"), { name: "second" }),
      ),
    ).toMatchObject({ person: { name: "second" } });
    await world.api.query(`DELETE FROM "Person" WHERE email = 'cid@x'`);
    const records = ["cid@x", "dan@x"].map((email) => ({
      key: { email },
      create: newcomer("made"),
      update: { name: "second" },
    }));
    expect(await world.meanwhile(INSERT_CID, () => world.upsertPeople(records))).toMatchObject({
      progress: { succeeded: 2 },
      errors: [],
    });
    const names = await world.people();
    expect(
      names
        .slice(2)
        .map((person) => person.replace(/^\d+ /, ""))
        .toSorted(),
    ).toEqual(["cid@x second", "dan@x made"]);
  });

  test.each([
    ["delete", `DELETE FROM "Person" WHERE id = 1`],
    ["change of the key", `UPDATE "Person" SET email = 'other@x', badge = NULL, born = NULL WHERE id = 1`],
  ])("with another program's %s: the record is created under an id of its own", async (_what, sql) => {
    const upsert = (): Promise<Answer> =>
      world.upsertPerson({ email: "ann@x" }, newcomer("new"), { name: "never" });
    const { person } = await world.meanwhile(sql, upsert);
    expect(person).toMatchObject({ email: "ann@x", name: "new" });
    expect(person.id).not.toBe("1");
  });

  test("call hooks for what happens in the end", async () => {
    const sql = `INSERT INTO "Parcel" VALUES ('p', 5, 'first')`;
    expect(await world.meanwhile(sql, () => world.upsertParcel("5", "x", "second"))).toMatchObject({
      parcel: { id: "p", label: "second" },
    });
    expect(world.hooked.at(-1)).toBe("update");
  });
});
