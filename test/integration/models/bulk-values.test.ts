import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkModels } from "./bulk-models.ts";
import type { Answer } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

let api: BulkFixture;

beforeAll(async () => {
  api = await createBulkModels("other-models.prisma", {
    models: { Secret: { isExposed: false }, Item: { plural: "stock" } },
  });
});
afterAll(() => api.stop());
beforeEach(() =>
  api.query(
    emptying(`"kept item", "Seat", "Person", "Ticket", "Stamp", "Fish"`, { isIdentityRestarted: true }),
  ),
);

const ITEM = `title price weight isOpen picture extra settings seenAt moods words numbers parentId
  friends { nodes { id } } friendOf { nodes { id } }`;

async function item(id: number | string): Promise<Answer> {
  const { friends, friendOf, ...columns } = (
    await api.data(`query ($id: ID!) { item(id: $id) { ${ITEM} } }`, { id })
  ).item;
  const linked = (connection: Answer): string[] => connection.nodes.map((node: Answer) => node.id).toSorted();
  return { ...columns, friends: linked(friends), friendOf: linked(friendOf) };
}

/** A value for every column. */
const FULL = {
  title: 'full of "quotes", \\ and \u0001',
  price: "12345678901234.5678",
  weight: 0.1,
  isOpen: true,
  picture: "AAH/",
  extra: { a: [1, null, { b: "x" }] },
  settings: [],
  seenAt: "2026-01-31T12:00:00.123Z",
  moods: ["GAY", "GRIM"],
  words: ["b", "", "a,{}\"'"],
  numbers: ["9007199254740993", "1"],
  parentId: "1",
};
/** Null for every nullable column, and the emptiest value for others. */
const EMPTY = {
  title: "",
  price: null,
  weight: null,
  isOpen: false,
  picture: null,
  extra: null,
  settings: null,
  seenAt: null,
  moods: [],
  words: [],
  numbers: [],
  parentId: null,
};
const UNLINKED = { friends: [], friendOf: [] };

function insertItems(count: number): Promise<Answer[]> {
  return api.query(
    `INSERT INTO "kept item" ("item title", price, weight, "changedAt") SELECT 'item ' || i, i, i, '2021-01-01' FROM generate_series(1, $1::int) i`,
    [count],
  );
}

function updateItems(ids: readonly number[], data: object): Promise<Answer> {
  return api.run("bulkUpdateStock", {
    selection: ["ItemSelection!", { ids: ids.map(String) }],
    data: ["ItemBulkUpdateInput!", data],
  });
}

function setAll(values: object): object {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { set: value as unknown }]));
}

describe("values of every type", () => {
  test("are stored by a bulk create, with the database's defaults for omitted ones", async () => {
    const data = [{ title: "first" }, FULL, EMPTY];
    expect(await api.run("bulkCreateStock", { data: ["[ItemBulkCreateInput!]!", data] })).toMatchObject({
      status: "SUCCEEDED",
      progress: { succeeded: 3 },
    });
    expect(await item(1)).toEqual({ ...EMPTY, ...UNLINKED, title: "first", settings: {} });
    expect(await item(2)).toEqual({ ...FULL, ...UNLINKED });
    expect(await item(3)).toEqual({ ...EMPTY, ...UNLINKED });
  });

  test("are set by a bulk update, and cleared", async () => {
    await insertItems(3);
    expect(await updateItems([2, 3], setAll(FULL))).toMatchObject({ status: "SUCCEEDED" });
    expect(await item(2)).toEqual({ ...FULL, ...UNLINKED });
    expect(await updateItems([3], setAll(EMPTY))).toMatchObject({ status: "SUCCEEDED" });
    expect(await item(3)).toEqual({ ...EMPTY, ...UNLINKED });
    expect(await item(1)).toMatchObject({ title: "item 1", price: "1" });
  });

  test("are set by an update each and an upsert", async () => {
    await insertItems(3);
    const each = [
      { id: "1", data: EMPTY },
      { id: "2", data: FULL },
    ];
    await api.run("bulkUpdateEachStock", { records: ["[ItemUpdateEachInput!]!", each] });
    const upserts = [
      { id: "3", create: { title: "x" }, update: FULL },
      { id: "9007199254740993", create: { ...FULL, id: "9007199254740993" }, update: {} },
    ];
    expect(await api.run("bulkUpsertStock", { records: ["[ItemUpsertInput!]!", upserts] })).toMatchObject({
      status: "SUCCEEDED",
    });
    expect(await item(1)).toEqual({ ...EMPTY, ...UNLINKED });
    for (const id of [2, 3, "9007199254740993"]) {
      expect(await item(id)).toEqual({ ...FULL, ...UNLINKED });
    }
  });

  test.each([
    ["increment", { price: "2.5", weight: 0.5 }, { price: "5.5", weight: 3.5 }],
    ["decrement", { price: "2.5", weight: 0.5 }, { price: "0.5", weight: 2.5 }],
    ["multiply", { price: "2.5", weight: 0.5 }, { price: "7.5", weight: 1.5 }],
  ])("take part in %s", async (operator, operands, expected) => {
    await insertItems(3);
    const data = Object.fromEntries(
      Object.entries(operands).map(([name, operand]) => [name, { [operator]: operand }]),
    );
    expect(await updateItems([3], data)).toMatchObject({ status: "SUCCEEDED" });
    expect(await item(3)).toMatchObject(expected);
  });

  test("of 64 bits keep every bit in arithmetic", async () => {
    await insertItems(2);
    await api.query(`UPDATE "kept item" SET parent = 1 WHERE id = 2`);
    await api.query(
      `INSERT INTO "kept item" (id, "item title", "changedAt") VALUES (9007199254740993, 'far', now())`,
    );
    expect(await updateItems([2], { parentId: { increment: "9007199254740992" } })).toMatchObject({
      status: "SUCCEEDED",
    });
    expect(await item(2)).toMatchObject({ parentId: "9007199254740993" });
  });
});

describe("links of a model with itself", () => {
  test("keep their direction in every operation", async () => {
    await insertItems(4);
    await updateItems([1], { friends: { add: ["2", "3"] } });
    expect(await item(1)).toMatchObject({ friends: ["2", "3"], friendOf: [] });
    expect(await item(2)).toMatchObject({ friends: [], friendOf: ["1"] });
    await updateItems([3], { friendOf: { set: ["4"] } });
    expect(await item(1)).toMatchObject({ friends: ["2"] });
    expect(await item(4)).toMatchObject({ friends: ["3"] });
    const each = [{ id: "1", data: { friends: { remove: ["2"] }, friendOf: { add: ["1"] } } }];
    await api.run("bulkUpdateEachStock", { records: ["[ItemUpdateEachInput!]!", each] });
    expect(await item(1)).toMatchObject({ friends: ["1"], friendOf: ["1"] });
    const data = [{ id: "9", title: "nine", friends: ["1"], friendOf: ["2"] }];
    await api.run("bulkCreateStock", { data: ["[ItemBulkCreateInput!]!", data] });
    expect(await item(9)).toMatchObject({ friends: ["1"], friendOf: ["2"] });
  });
});

describe("keys", () => {
  test("of several columns are accepted by every operation", async () => {
    const data = [
      { row: 1, letter: "a" },
      { row: 1, letter: "b c" },
    ];
    await api.run("bulkCreateSeats", { data: ["[SeatBulkCreateInput!]!", data] });
    await insertItems(1);
    const { seats } = await api.data(`{ seats(orderBy: {letter: ASC}) { nodes { id letter } } }`);
    const [first, second] = seats.nodes.map(({ id }: Answer) => id);
    const each = [{ id: second, data: { itemId: "1" } }];
    expect(
      await api.run("bulkUpdateEachSeats", { records: ["[SeatUpdateEachInput!]!", each] }),
    ).toMatchObject({
      status: "SUCCEEDED",
    });
    const upserts = [
      { id: first, create: { row: 1, letter: "a" }, update: { itemId: "1" } },
      { id: Buffer.from('["2","z"]').toString("base64url"), create: { row: 2, letter: "z" }, update: {} },
    ];
    expect(await api.run("bulkUpsertSeats", { records: ["[SeatUpsertInput!]!", upserts] })).toMatchObject({
      status: "SUCCEEDED",
      progress: { succeeded: 2 },
    });
    expect(await api.query(`SELECT row, letter, "itemId" FROM "Seat" ORDER BY 1, 2`)).toEqual([
      { row: 1, letter: "a", itemId: "1" },
      { row: 1, letter: "b c", itemId: "1" },
      { row: 2, letter: "z", itemId: null },
    ]);
    const clash = [{ id: first, create: { row: 2, letter: "a" }, update: {} }];
    expect(await api.run("bulkUpsertSeats", { records: ["[SeatUpsertInput!]!", clash] })).toMatchObject({
      problems: [{ field: "records.0.create.row" }],
    });
  });

  test("must not be empty, nor have an empty part", async () => {
    const data = [
      { row: 1, letter: "a" },
      { row: 1, letter: "" },
    ];
    expect(await api.run("bulkCreateSeats", { data: ["[SeatBulkCreateInput!]!", data] })).toMatchObject({
      problems: [
        {
          field: "data.1.letter",
          message: "data.1.letter: Seat.letter cannot be empty: it is part of the key.",
        },
      ],
    });
    const { createSeat: refused } = await api.data(
      `mutation { createSeat(data: {row: 1, letter: ""}) { __typename ... on ValidationError { problems { field message } } } }`,
    );
    expect(refused).toEqual({
      __typename: "ValidationError",
      problems: [{ field: "letter", message: "Seat.letter cannot be empty: it is part of the key." }],
    });
    const stamp = await api.run("bulkCreateStamps", { data: ["[StampBulkCreateInput!]!", [{ id: "" }]] });
    expect(stamp.message).toBe("data.0.id: Stamp.id cannot be empty: it is the key.");
    const person = await api.run("bulkCreatePeople", {
      data: ["[PersonBulkCreateInput!]!", [{ code: "x", email: "a" }]],
    });
    expect(person).toMatchObject({ problems: [{ field: "data.0.code" }] });
  });

  test("of several columns that must be unique are all named in the error", async () => {
    const born = "2000-01-01T00:00:00Z";
    const data = [
      { email: "a", born },
      { email: "a", born },
    ];
    const task = await api.run(
      "bulkCreatePeople",
      { data: ["[PersonBulkCreateInput!]!", data] },
      { errorPolicy: "SKIP_FAILED" },
    );
    expect(task.errors).toMatchObject([
      { field: "email,born", message: "email and born must be unique: another record has a, 2000-01-01." },
    ]);
  });

  test("that are moments are equal in any time zone", async () => {
    const data = [{ day: "2026-01-31T13:00:00+01:00" }, { day: "2026-02-01T00:00:00Z" }];
    expect(await api.run("bulkCreateFishAll", { data: ["[FishBulkCreateInput!]!", data] })).toMatchObject({
      status: "SUCCEEDED",
    });
    const again = await api.run(
      "bulkCreateFishAll",
      {
        data: ["[FishBulkCreateInput!]!", [{ day: "2026-01-31T12:00:00Z" }, { day: "2026-02-02T00:00:00Z" }]],
      },
      { errorPolicy: "SKIP_FAILED" },
    );
    expect(again.errors).toMatchObject([{ recordId: "2026-01-31T12:00:00.000Z", index: 0, field: "day" }]);
    expect(await api.query(`SELECT day::text FROM "Fish" ORDER BY 1`)).toEqual([
      { day: "2026-01-31 12:00:00" },
      { day: "2026-02-01 00:00:00" },
      { day: "2026-02-02 00:00:00" },
    ]);
    const twice = {
      data: ["[FishBulkCreateInput!]!", [...data, { day: "2026-02-01T01:00:00+01:00" }]],
    } as const;
    expect(await api.run("bulkCreateFishAll", twice)).toMatchObject({ problems: [{ field: "data.2" }] });
  });

  test("that Prisma generates are generated in the same way", async () => {
    const people = [{ email: "a" }, { email: "b", mood: "GRIM", born: "2000-01-01T00:00:00Z" }];
    await api.run("bulkCreatePeople", { data: ["[PersonBulkCreateInput!]!", people] });
    expect(
      await api.query(`SELECT code, mood::text, born::text FROM "Person" ORDER BY "e-mail"`),
    ).toMatchObject([
      { code: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4/), mood: null, born: null },
      { mood: "very grim", born: "2000-01-01" },
    ]);
    await api.run("bulkCreateTickets", {
      data: [
        "[TicketBulkCreateInput!]!",
        [{ holder: "a" }, { holder: "b", token: "12345678" }, { holder: "c" }],
      ],
    });
    // Compared with a record that Prisma's own client creates.
    await api.data(`mutation { createTicket(data: {holder: "d"}) { __typename } }`);
    const tickets = await api.query(`SELECT * FROM "Ticket" ORDER BY holder`);
    for (const ticket of tickets) {
      expect(ticket).toMatchObject({
        code: expect.stringMatching(/^c[0-9a-z]{24}$/),
        token: expect.stringMatching(/^[\w-]{8}$/),
        order: expect.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/),
        secret: expect.stringMatching(/^[a-z][0-9a-z]{23}$/),
        number: expect.any(Number),
        soldAt: expect.any(Date),
        mood: "very grim",
      });
    }
    expect(tickets[1]).toMatchObject({ holder: "b", token: "12345678" });
    expect(new Set(tickets.map(({ number }) => number)).size).toBe(4);
    expect(new Set(tickets.map(({ code }) => code)).size).toBe(4);
  });

  test("that cannot be generated must be given", async () => {
    const create = (data: readonly object[]): Promise<Answer> =>
      api.run("bulkCreateStamps", { data: ["[StampBulkCreateInput!]!", data] });
    expect(await create([{ id: "a" }, { note: "no key" }])).toMatchObject({
      __typename: "ValidationError",
      problems: [{ field: "data.1.id", message: "data.1.id: Stamp.id is needed for a new record." }],
    });
    expect(await create([{ id: "a" }])).toMatchObject({ status: "SUCCEEDED" });
  });
});
