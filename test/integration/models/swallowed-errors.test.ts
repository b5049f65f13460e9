import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ModelOptions } from "../../../src/index.ts";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkFixture } from "./bulk-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

/** The part of Prisma's client that the rules use. */
interface Client {
  $executeRawUnsafe(text: string): Promise<unknown>;
}

let api: BulkFixture;
let rules: ModelOptions<never, Client> = {};

beforeAll(async () => {
  api = await createBulkFixture({
    models: {
      get Tag() {
        return rules as ModelOptions;
      },
    },
  });
});
afterAll(() => api.stop());
beforeEach(async () => {
  await api.query(emptying("tag"));
  await api.query("INSERT INTO tag VALUES ($1::uuid, 'red')", [RED]);
});

const RED = "0195f8f0-0000-7000-8000-00000000000a";
const FAULT = {
  code: "INTERNAL",
  message: "The rules of Tag could not be applied. The details are in the service's log.",
};

async function swallow(_chunk: unknown, { prisma }: { readonly prisma: Client }): Promise<void> {
  await prisma.$executeRawUnsafe("SELECT 1 / 0").catch(() => undefined);
}

const SWALLOWING: Readonly<Record<string, ModelOptions<never, Client>>> = {
  beforeUpdate: { hooks: { beforeUpdate: swallow } },
  persist: { persist: swallow },
};

describe.each(Object.keys(SWALLOWING))("an error of its own statement that %s swallows", (which) => {
  beforeEach(() => void (rules = SWALLOWING[which] ?? {}));

  test("is masked from the caller of a single write, and nothing is written", async () => {
    const write = api.data(
      `mutation ($id: ID!) { updateTag(id: $id, data: { label: "blue" }) {
        __typename ... on ValidationError { problems { code message } } } }`,
      { id: RED },
    );
    // A thrown error is masked at the edge.
    const answer = await write.catch(() => "INTERNAL");
    expect(JSON.stringify(answer)).toContain("INTERNAL");
    expect(JSON.stringify(answer)).not.toContain("aborted");
    expect(await api.query("SELECT label FROM tag")).toEqual([{ label: "red" }]);
  });

  test.each(["ALL_OR_NOTHING", "SKIP_FAILED"])("fails a record of a %s task", async (errorPolicy) => {
    const task = await api.run(
      "bulkUpdateTags",
      {
        selection: ["TagSelection!", { ids: [RED] }],
        data: ["TagBulkUpdateInput!", { label: { set: "blue" } }],
      },
      { errorPolicy },
    );
    expect(task).toMatchObject({ status: "FAILED", errors: [{ recordId: RED, ...FAULT }] });
    expect(await api.query("SELECT label FROM tag")).toEqual([{ label: "red" }]);
  });
});
