import { join } from "node:path";
import { printSchema } from "graphql";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readModelRegistry } from "../../../src/adapters/prisma/read-model-registry.ts";
import type { ColumnDescription } from "../../../src/adapters/prisma/schema-description.ts";
import { generateFixture } from "./generate-fixture.ts";
import type { Answer, ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";

let generated: Awaited<ReturnType<typeof generateFixture>>;
let api: ModelsFixture;

beforeAll(async () => {
  generated = await generateFixture(join(import.meta.dirname, "other-models.prisma"));
  api = await createModelsFixture({
    // option: generated
    generated,
    // option: models.isExposed
    modelOptions: { Secret: { isExposed: false }, Item: { plural: "stock" } },
  });
});
afterAll(async () => {
  await api.stop();
});

const PROBLEMS = `... on Error { message } ... on ValidationError { problems { field message } }`;
const ITEM = `id title price weight isOpen picture extra settings seenAt moods words numbers parentId changedAt`;

async function createItem(data: object): Promise<Answer> {
  const { createItem: result } = await api.data(
    `mutation ($data: ItemCreateInput!) { createItem(data: $data) { __typename ${PROBLEMS} ... on CreateItemPayload { item { ${ITEM} parent { title } friends { nodes { title } } } } } }`,
    { data },
  );
  return result;
}

async function updateItem(id: string, data: object): Promise<Answer> {
  const { updateItem: result } = await api.data(
    `mutation ($id: ID!, $data: ItemUpdateInput!) { updateItem(id: $id, data: $data) { __typename ${PROBLEMS} ... on UpdateItemPayload { item { ${ITEM} friends { nodes { title } } friendOf { nodes { title } } } } } }`,
    { id, data },
  );
  return result;
}

const FULL = {
  title: "full",
  price: "12345678901234.5678",
  weight: 0.1,
  isOpen: true,
  picture: "AAH/",
  extra: { a: [1, null, { b: "x" }] },
  settings: null,
  seenAt: "2026-01-31T12:00:00.123Z",
  moods: ["GAY", "GRIM"],
  words: ["b", "a"],
  numbers: ["9007199254740993", 1],
};

describe("the schema", () => {
  test("has every model except hidden ones, under their names", () => {
    const printed = printSchema(api.schema);
    for (const expected of [
      "  stock(",
      "  item(",
      "  people(",
      "  fishAll(",
      "bulkUpdateStock(",
      "bulkDeleteFishAll(",
      "A thing that is kept.",
      "What it is called.",
      "  owner: Person",
      "input PersonNullableRelationFilter",
      "input StringListFilter",
      "input MoodListChange",
    ]) {
      expect(printed).toContain(expected);
    }
    // It has only its key, so there is nothing to change.
    expect(printed).not.toMatch(/updateFish|bulkUpdateFishAll|Secret|^ {2}place:/m);
  });

  test("has a model without a usable key as a list, and no options of unknown models", () => {
    const column = (name: string, type: string): ColumnDescription => ({
      name,
      type,
      kind: "scalar",
      column: name,
      isRequired: true,
      isList: false,
      hasDefault: false,
      isUpdatedAt: false,
    });
    const reasonOf = (fields: ColumnDescription[], primaryKey = ["a"]): unknown =>
      readModelRegistry(
        {
          relationMode: "foreignKeys",
          models: { Odd: { table: "odd", isView: false, primaryKey, uniques: [], fields, unwritable: [] } },
          enums: { Mood: { values: [{ name: "GRIM", label: "very grim" }] } },
        },
        {},
      ).get("Odd").readOnlyReason;
    expect(reasonOf([column("a", "Int")])).toBeUndefined();
    expect(reasonOf([column("a", "Int")], [])).toBe("it has no key");
    expect(reasonOf([{ ...column("a", "point"), kind: "unsupported" }])).toContain("cannot read");
    expect(reasonOf([column("a", "Bytes")])).toContain("its key a is of the type Bytes");
    expect(reasonOf([{ ...column("a", "String"), nativeType: "Char(2)" }])).toBeUndefined();
    expect(reasonOf([{ ...column("a", "DateTime"), nativeType: "Timestamptz(3)" }])).toBeUndefined();
    expect(reasonOf([{ ...column("a", "DateTime"), nativeType: "Timestamptz(6)" }])).toContain(
      "is of the type timestamp(6) with time zone",
    );
    expect(reasonOf([{ ...column("a", "Mood"), kind: "enum" }])).toContain("its key a is of the enum Mood");
  });
});

describe("values", () => {
  test("of every type come back as they were written", async () => {
    const { item } = await createItem(FULL);
    expect(item).toMatchObject({ ...FULL, numbers: ["9007199254740993", "1"] });
    expect(item.id).toMatch(/^\d+$/);
    const [row] = await api.query(
      `SELECT settings::text, "item title", picture FROM "kept item" WHERE id = $1`,
      [item.id],
    );
    expect(row).toEqual({ settings: "null", "item title": "full", picture: Buffer.from([0, 1, 255]) });
  });

  test("get their defaults if omitted, and null clears nullable ones", async () => {
    const { item } = await createItem({ title: "bare" });
    expect(item).toMatchObject({
      price: null,
      isOpen: false,
      extra: null,
      settings: {},
      moods: [],
      words: [],
      parentId: null,
    });
    await updateItem(item.id, { ...FULL, title: "bare" });
    const cleared = await updateItem(item.id, {
      price: null,
      picture: null,
      extra: null,
      moods: [],
      seenAt: null,
    });
    expect(cleared.item).toMatchObject({
      price: null,
      picture: null,
      extra: null,
      moods: [],
      seenAt: null,
      words: ["b", "a"],
    });
    const [row] = await api.query(`SELECT extra IS NULL AS is_null FROM "kept item" WHERE id = $1`, [
      item.id,
    ]);
    expect(row).toEqual({ is_null: true });
    expect(
      (await updateItem(item.id, { words: null, isOpen: null })).problems.map(
        (problem: Answer) => problem.field,
      ),
    ).toEqual(["isOpen", "words"]);
  });

  test.each([
    [{ price: "12,5" }, "Decimal cannot represent"],
    [{ picture: "?" }, "Bytes cannot represent"],
    [{ numbers: ["1.5"] }, "BigInt cannot represent"],
    [{ numbers: ["9223372036854775808"] }, "BigInt cannot represent"],
    [{ seenAt: "2026-02-31T00:00:00Z" }, "DateTime cannot represent"],
    [{ seenAt: "2026-02-01T00:00:00" }, "DateTime cannot represent"],
    [{ moods: ["SAD"] }, 'Value "SAD" does not exist in "Mood" enum'],
  ])("such as %j are refused", async (data, message) => {
    const { errors } = await api.execute(
      `mutation ($data: ItemCreateInput!) { createItem(data: $data) { __typename } }`,
      {
        data: { title: "x", ...data },
      },
    );
    expect(errors?.[0]?.message).toContain(message);
  });

  test("that violate a constraint are refused with the field's name, even if the app named the constraint", async () => {
    const create = async (): Promise<Answer> =>
      (
        await api.data(
          `mutation { createPerson(data: {email: "a@b", born: "2000-01-01T00:00:00Z", mood: GAY}) { __typename ${PROBLEMS} ... on CreatePersonPayload { person { id code born } } } }`,
        )
      ).createPerson;
    expect(await create()).toMatchObject({ person: { born: "2000-01-01T00:00:00.000Z" } });
    expect(await create()).toMatchObject({
      problems: [
        {
          field: "email,born",
          message: "email and born must be unique: another record has a@b, 2000-01-01.",
        },
      ],
    });
    expect(await createItem({ title: "x", price: "99999999999999999999" })).toMatchObject({
      __typename: "ValidationError",
    });
  });

  test("bulk changes are plain JSON", async () => {
    api.launches.length = 0;
    await api.data(
      `mutation ($j: JSON) { bulkUpdateStock(selection: {where: {id: {gt: "5"}}}, data: {price: {multiply: "1.5"}, numbers: {set: ["7"]}, picture: {set: "AAH/"}, seenAt: {set: "2026-01-31T12:00:00Z"}, extra: {set: $j}, moods: {set: [GRIM]}}) { __typename } }`,
      { j: { a: 1 } },
    );
    expect(JSON.parse(JSON.stringify(api.launches[0]))).toMatchObject({
      selection: { where: { id: { gt: "5" } } },
      change: {
        price: { multiply: "1.5" },
        numbers: { set: ["7"] },
        picture: { set: "AAH/" },
        seenAt: { set: "2026-01-31T12:00:00.000Z" },
        extra: { set: { a: 1 } },
        moods: { set: ["GRIM"] },
      },
    });
  });
});

describe("relations", () => {
  test("to the same model are read in every direction", async () => {
    const { item: root } = await createItem({ title: "root" });
    const { item: leaf } = await createItem({ title: "leaf", parentId: root.id, friends: [root.id] });
    expect(leaf).toMatchObject({ parent: { title: "root" }, friends: { nodes: [{ title: "root" }] } });
    const { item } = await api.data(
      `{ item(id: "${root.id}") { parent { id } children { totalCount nodes { title parent { children { nodes { title } } } } } friends { totalCount } friendOf { nodes { title } } } }`,
    );
    expect(item).toEqual({
      parent: null,
      children: {
        totalCount: 1,
        nodes: [{ title: "leaf", parent: { children: { nodes: [{ title: "leaf" }] } } }],
      },
      friends: { totalCount: 0 },
      friendOf: { nodes: [{ title: "leaf" }] },
    });
    const cut = await updateItem(leaf.id, { friends: { remove: [root.id] }, parentId: null });
    expect(cut.item).toMatchObject({ parentId: null, friends: { nodes: [] } });
    expect((await updateItem(leaf.id, { parentId: "999999" })).problems).toMatchObject([
      { field: "parentId" },
    ]);
  });

  test("over a composite key are read and written", async () => {
    const { createSeat } = await api.data(
      `mutation { createSeat(data: {row: 3, letter: "B"}) { ... on CreateSeatPayload { seat { id row letter } } } }`,
    );
    const { id } = createSeat.seat;
    expect(JSON.parse(Buffer.from(id, "base64url").toString())).toEqual(["3", "B"]);
    const { createPerson } = await api.data(
      `mutation { createPerson(data: {email: "s", seatRow: 3, seatLetter: "B"}) { ... on CreatePersonPayload { person { seat { id guests { nodes { email } } } } } } }`,
    );
    expect(createPerson.person.seat).toEqual({ id, guests: { nodes: [{ email: "s" }] } });
    const { item } = await createItem({ title: "seat" });
    const { updateSeat } = await api.data(
      `mutation ($id: ID!, $item: BigInt) { updateSeat(id: $id, data: {itemId: $item}) { ${PROBLEMS} ... on UpdateSeatPayload { seat { item { title } } } } }`,
      { id, item: item.id },
    );
    expect(updateSeat.seat.item.title).toBe("seat");
    expect(
      (await api.data(`query ($id: ID!) { seat(id: $id) { letter guests { totalCount } } }`, { id })).seat,
    ).toEqual({ letter: "B", guests: { totalCount: 1 } });
    expect((await api.refused(`{ seat(id: "nonsense") { row } }`)).message).toContain(
      "expected the opaque id of (row Int, letter String)",
    );
    const wrong = `mutation { createPerson(data: {email: "t", seatRow: 9, seatLetter: "Z"}) { ${PROBLEMS} } }`;
    expect((await api.data(wrong)).createPerson.problems).toMatchObject([{ field: "seatRow,seatLetter" }]);
    await api.hold([{ model: "Seat", ids: [id] }]);
    expect(
      (await api.data(`mutation ($id: ID!) { deleteSeat(id: $id) { __typename } }`, { id })).deleteSeat
        .__typename,
    ).toBe("ConflictError");
  });

  test("lists with composite keys are paged by all of their columns", async () => {
    await api.data(
      `mutation { ${Array.from({ length: 6 }, (_, at) => `s${at}: createSeat(data: {row: ${4 + (at % 2)}, letter: "${"abc"[at % 3]}"}) { __typename }`).join(" ")} }`,
    );
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const { seats }: Answer = await api.data(
        `query ($after: String) { seats(first: 2, after: $after, where: {row: {gt: 3}}) { nodes { row letter } pageInfo { endCursor hasNextPage } } }`,
        { after },
      );
      seen.push(...seats.nodes.map((seat: Answer) => `${seat.row}${seat.letter}`));
      after = seats.pageInfo.hasNextPage ? seats.pageInfo.endCursor : null;
    } while (after !== null);
    expect(seen).toEqual(["4a", "4b", "4c", "5a", "5b", "5c"]);
    expect(await api.reader.findIds("Seat", { row: { equals: 4 } }, 10)).toHaveLength(3);
    const some = await api.reader.findIds("Seat", { row: { equals: 5 } }, 2);
    expect(await api.reader.existingIds("Seat", some, undefined)).toEqual(some);
  });

  test("with a moment as key are read and written", async () => {
    const { createFish } = await api.data(
      `mutation { createFish(data: {day: "2026-01-31T12:00:00Z"}) { ... on CreateFishPayload { fish { id day } } } }`,
    );
    expect(createFish.fish).toEqual({ id: "2026-01-31T12:00:00.000Z", day: "2026-01-31T12:00:00.000Z" });
    expect((await api.data(`{ fish(id: "2026-01-31T13:00:00+01:00") { id } }`)).fish).toEqual({
      id: "2026-01-31T12:00:00.000Z",
    });
  });
});
