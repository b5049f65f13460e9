import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AppRecord, HookChunk, WriteContext } from "../../../src/index.ts";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkModels } from "./bulk-models.ts";
import { emptying } from "../../support/empty-tables.ts";

/** The part of the generated client that the hooks use. */
interface Client {
  readonly item: { findMany(args: object): Promise<AppRecord[]> };
}

let api: BulkFixture;
/** The hooks' arguments, each with Prisma's own reading of the same record. */
let seen: { readonly given: HookChunk["records"][number]; readonly read: AppRecord | undefined }[] = [];

async function see({ records }: HookChunk, { prisma }: WriteContext<Client>): Promise<void> {
  const read = await prisma.item.findMany({ where: { id: { in: records.map(({ id }) => BigInt(id)) } } });
  seen.push(...records.map((given) => ({ given, read: read.find(({ id }) => String(id) === given.id) })));
}

beforeAll(async () => {
  api = await createBulkModels("other-models.prisma", {
    models: {
      Secret: { isExposed: false },
      Item: {
        plural: "stock",
        hooks: { afterCreate: see, afterUpdate: see },
      },
    },
  });
});
afterAll(() => api.stop());
beforeEach(async () => {
  seen = [];
  await api.query(emptying(`"kept item"`, { isIdentityRestarted: true }));
});

/** A value for every column. */
const FULL = {
  title: 'full of "quotes" and \u0001',
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
};
/** Null for every nullable column, and the emptiest value for others. */
const EMPTY = {
  title: "",
  price: null,
  weight: null,
  isOpen: false,
  picture: null,
  extra: null,
  settings: {},
  seenAt: null,
  moods: [],
  words: [],
  numbers: [],
};

/** Expects that the hook got one record as Prisma reads it, and a change to its present values. */
function expectTyped(values: object): void {
  expect(seen).toHaveLength(1);
  const [{ given, read } = { given: undefined, read: undefined }] = seen;
  expect(given?.record).toEqual(read);
  for (const name of Object.keys(values)) {
    expect({ [name]: given?.change[name] }).toEqual({ [name]: { set: read?.[name] } });
  }
}

describe.each([
  ["full", FULL],
  ["empty", EMPTY],
])("values of every type, %s, are passed to hooks as Prisma types them", (_name, values) => {
  const data = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { set: value }]));

  test("in a bulk create", async () => {
    const task = await api.run("bulkCreateStock", { data: ["[ItemBulkCreateInput!]!", [values]] });
    expect(task).toMatchObject({ status: "SUCCEEDED" });
    expectTyped(values);
  });

  test("in bulk updates, with one change for all or one for each", async () => {
    await api.query(`INSERT INTO "kept item" ("item title", "changedAt") VALUES ('old', '2021-01-01')`);
    const updated = await api.run("bulkUpdateStock", {
      selection: ["ItemSelection!", { ids: ["1"] }],
      data: ["ItemBulkUpdateInput!", data],
    });
    expect(updated).toMatchObject({ status: "SUCCEEDED" });
    expectTyped(values);
    expect(seen[0]?.given.before).toMatchObject({ id: 1n, title: "old" });
    seen = [];
    const records = [{ id: "1", data: values }];
    const each = await api.run("bulkUpdateEachStock", { records: ["[ItemUpdateEachInput!]!", records] });
    expect(each).toMatchObject({ status: "SUCCEEDED" });
    expectTyped(values);
  });

  test("in single writes", async () => {
    const created = await api.data(
      `mutation ($data: ItemCreateInput!) { result: createItem(data: $data) { __typename ... on Error { message } } }`,
      { data: values },
    );
    expect(created).toEqual({ result: { __typename: "CreateItemPayload" } });
    expectTyped(values);
    expect(seen[0]?.given).toMatchObject({ id: "1", before: null });
    seen = [];
    await api.data(`mutation ($data: ItemUpdateInput!) { updateItem(id: "1", data: $data) { __typename } }`, {
      data: values,
    });
    expectTyped(values);
  });
});
