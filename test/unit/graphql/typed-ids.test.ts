import {
  GraphQLID,
  GraphQLInputObjectType,
  GraphQLInt,
  GraphQLList,
  GraphQLObjectType,
  GraphQLSchema,
} from "graphql";
import { expect, it } from "vitest";
import { createModelRegistry } from "../../../src/core/records/model.ts";
import { idsOf } from "../../../src/graphql/record-ids.ts";
import { addTypedIds } from "../../../src/graphql/typed-ids.ts";
import { modelOf, scalar } from "../../support/model-fixture.ts";

interface Taken {
  readonly ids?: readonly string[];
  readonly records?: readonly { readonly id: string }[];
}

const Row = new GraphQLInputObjectType({
  name: "Row",
  fields: { id: { type: GraphQLID, ...idsOf("City") } },
});
const Query = new GraphQLObjectType({
  name: "Query",
  fields: {
    take: {
      type: GraphQLInt,
      args: {
        ids: { type: new GraphQLList(GraphQLID), ...idsOf("City") },
        records: { type: new GraphQLList(Row) },
      },
      resolve: (_root, args) => args,
    },
  },
});
addTypedIds(
  new GraphQLSchema({ query: Query }),
  createModelRegistry([modelOf("City", [scalar("id", "Int", { isKey: true })])], []),
);

/** What the resolver gets, and how many turns of the event loop passed before. */
async function take(args: Taken): Promise<{ readonly taken: Taken; readonly turns: number }> {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) {
      setImmediate(count);
    }
  };
  setImmediate(count);
  try {
    const taken: unknown = Query.getFields()["take"]?.resolve?.(undefined, args, {}, {} as never);
    const isAtOnce = !(taken instanceof Promise);
    return { taken: (await taken) as Taken, turns: isAtOnce ? 0 : turns };
  } finally {
    isOver = true;
  }
}

const MANY = 40_000;
const list = <T>(map: (at: number) => T): readonly T[] => Array.from({ length: MANY }, (_, at) => map(at));

it("long lists of typed ids are read in many turns of the event loop, in their order", async () => {
  const { taken, turns } = await take({ ids: list((at) => `City:${at}`) });
  expect(taken.ids).toEqual(list(String));
  expect(turns).toBeGreaterThanOrEqual(MANY / 10_000 - 1);
  const rows = await take({ records: list((at) => ({ id: `City:${at}` })) });
  expect(rows.taken.records).toEqual(list((at) => ({ id: String(at) })));
  expect(rows.turns).toBeGreaterThanOrEqual(MANY / 10_000 - 1);
});

it("short ones are read at once", async () => {
  expect(await take({ ids: ["City:1", "City:2"] })).toEqual({ taken: { ids: ["1", "2"] }, turns: 0 });
});

it("a long list of texts that are no ids is refused at the first of them", async () => {
  const began = take({ ids: list((at) => (at < MANY - 1 ? `City:${at}` : "Country:FR")) });
  await expect(began).rejects.toThrow(`"Country:FR" is not an id of City: expected "City:", then`);
  await expect(take({ ids: list(() => "x") })).rejects.toThrow('"x" is not an id of City');
});
