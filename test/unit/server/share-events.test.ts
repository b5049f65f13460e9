import { AsyncLocalStorage } from "node:async_hooks";
import type { ExecutionResult } from "graphql";
import { GraphQLInt, GraphQLObjectType, GraphQLSchema, GraphQLString, parse } from "graphql";
import { describe, expect, it } from "vitest";
import type { Viewer } from "../../../src/core/access/viewer.ts";
import { fullViewer } from "../../../src/core/access/viewer.ts";
import { Subscriber } from "../../../src/kernel/subscriber.ts";
import { EVENT_SHARING } from "../../../src/graphql/event-sharing.ts";
import { createCallers } from "../../../src/server/callers/callers.ts";
import { createGraphQLHandler } from "../../../src/server/graphql-handler.ts";
import { createPersistedDocuments } from "../../../src/server/persisted-documents.ts";
import { CallerGuard } from "../../../src/server/callers/caller-guard.ts";
import { ByteBudget } from "../../../src/server/byte-budget.ts";
import { createErrorMask } from "../../../src/server/mask-error.ts";
import type { PreparedResult } from "../../../src/server/prepared-result.ts";
import { preparedOf } from "../../../src/server/prepared-result.ts";
import { pushOf } from "../../../src/server/share-events.ts";
import { SERVER_LIMITS } from "../../../src/server/server-options.ts";

interface Item {
  readonly number: number;
}

const ITEMS: readonly Item[] = [{ number: 1 }, { number: 2 }];

/** Has the items ready, then ends. */
class Items extends Subscriber<Item> {
  #ready: Item[];

  constructor(ready: readonly Item[]) {
    super();
    this.#ready = [...ready];
  }

  protected override take(): Item | undefined {
    return this.#ready.shift();
  }

  protected override ask(): void {
    this.end();
  }

  protected override drop(): void {
    this.#ready = [];
  }
}

/** How a transport gets the results of a subscription. */
type Way = "read" | "pushed";

/** What is around a subscription. */
const surroundings = new AsyncLocalStorage<string>();

/** Counts how often the field below an event is resolved. Every subscription has the same items. */
function createWorld(way: Way) {
  const logged: unknown[] = [];
  const note = (fields: object): void => void logged.push(fields);
  let resolved = 0;
  const event = new GraphQLObjectType({
    name: "Event",
    fields: {
      seen: {
        type: GraphQLString,
        args: { suffix: { type: GraphQLString } },
        resolve({ number }: Item, { suffix }: { suffix?: string }, { viewer }: { viewer: Viewer }) {
          resolved += 1;
          if (suffix === "break") {
            throw new Error("the password is 12345");
          }
          if (suffix === "around") {
            return surroundings.getStore();
          }
          return `${number} by ${viewer.id}${suffix ?? ""}`;
        },
      },
    },
  });
  const schema = new GraphQLSchema({
    query: new GraphQLObjectType({ name: "Query", fields: { one: { type: GraphQLInt } } }),
    subscription: new GraphQLObjectType({
      name: "Subscription",
      fields: {
        events: {
          type: event,
          args: { after: { type: GraphQLInt } },
          extensions: { [EVENT_SHARING]: { idOf: (item: object) => `id-${(item as Item).number}` } },
          subscribe: (_root, { after = 0 }: { after?: number }) =>
            new Items(ITEMS.filter(({ number }) => number > after)),
          resolve: (item: Item) => item,
        },
      },
    }),
  });
  const logger = { debug: note, info: note, warn: note, error: note };
  const handler = createGraphQLHandler({
    ...SERVER_LIMITS,
    budget: new ByteBudget(SERVER_LIMITS.maxReceivedBytes),
    schema,
    callers: createCallers({ isRequired: false }),
    isIntrospectable: true,
    maskError: createErrorMask(logger),
    documents: createPersistedDocuments(),
    guard: new CallerGuard({ ...SERVER_LIMITS, proxyHops: 0 }),
  });
  const subscribe = async (
    query: string,
    variableValues: Record<string, unknown> = {},
    viewer: Viewer = { id: null },
  ): Promise<readonly PreparedResult[]> => {
    const tools = handler.forCaller(
      { viewer: fullViewer(viewer) },
      {
        headers: new Headers(),
        peer: { address: "", forwardedFor: undefined },
      },
    );
    const document = parse(query);
    const contextValue = await tools.contextFactory();
    const results = await surroundings.run("the subscription", () =>
      tools.subscribe({ schema, document, variableValues, contextValue }),
    );
    const seen: PreparedResult[] = [];
    if (way === "pushed") {
      pushOf(contextValue)?.((result) => void seen.push(result));
    }
    for await (const result of results as AsyncIterable<ExecutionResult>) {
      seen.push(preparedOf(result) as PreparedResult);
    }
    return seen;
  };
  return { subscribe, logged, resolved: () => resolved };
}

const EVENTS = `subscription ($after: Int, $suffix: String) { events(after: $after) { seen(suffix: $suffix) } }`;

const jsonOf = (result: PreparedResult | undefined): unknown => JSON.parse(String(result?.json));

describe.each<Way>(["read", "pushed"])("an event of a subscription that is %s", (way) => {
  it("is executed and serialised once for the same document, variables and viewer", async () => {
    const world = createWorld(way);
    const viewer = { id: "ann", claims: { team: 1, roles: ["editor"] } };
    const first = await world.subscribe(EVENTS, { suffix: "!" }, viewer);
    const second = await world.subscribe(
      EVENTS,
      { suffix: "!" },
      { claims: { roles: ["editor"], team: 1 }, id: "ann" },
    );
    expect(first.map(jsonOf)).toEqual([
      { data: { events: { seen: "1 by ann!" } } },
      { data: { events: { seen: "2 by ann!" } } },
    ]);
    expect(second.map(jsonOf)).toEqual(first.map(jsonOf));
    expect(second[0]?.json).toBe(first[0]?.json);
    expect(world.resolved()).toBe(2);
  });

  it("is shared by subscriptions that began at different places", async () => {
    const world = createWorld(way);
    await world.subscribe(EVENTS);
    const late = await world.subscribe(EVENTS, { after: 1 });
    expect(late.map(jsonOf)).toEqual([{ data: { events: { seen: "2 by null" } } }]);
    expect(world.resolved()).toBe(2);
  });

  it.each([
    ["another viewer", EVENTS, {}, { id: "bob" }],
    ["other claims", EVENTS, {}, { id: null, claims: { roles: ["admin"] } }],
    ["other variables below the root", EVENTS, { suffix: "?" }, { id: null }],
    ["another document", EVENTS.replace("{ seen", "{ also: seen"), {}, { id: null }],
  ])("is executed again for %s", async (_what, query, variables, viewer) => {
    const world = createWorld(way);
    await world.subscribe(EVENTS);
    await world.subscribe(query, variables, viewer);
    expect(world.resolved()).toBe(4);
  });

  it("has its errors masked, and logged once", async () => {
    const world = createWorld(way);
    const broken = [
      await world.subscribe(EVENTS, { suffix: "break", after: 1 }),
      await world.subscribe(EVENTS, { suffix: "break", after: 1 }),
    ];
    for (const [result] of broken) {
      const { errors } = jsonOf(result) as ExecutionResult;
      expect(errors).toMatchObject([
        { message: "Unexpected error.", path: ["events", "seen"], extensions: { code: "INTERNAL" } },
      ]);
      expect(JSON.stringify(errors)).not.toMatch(/password|unexpected"/);
    }
    expect(world.logged).toHaveLength(1);
  });

  it("is executed in the surroundings of the subscription", async () => {
    const [result] = await createWorld(way).subscribe(EVENTS, { suffix: "around" });
    expect(jsonOf(result)).toEqual({ data: { events: { seen: "the subscription" } } });
  });

  it("is a server-sent event with its id", async () => {
    const [result] = await createWorld(way).subscribe(EVENTS, { after: 1 });
    expect(String(result?.eventText)).toBe(
      `id: id-2\nevent: next\ndata: {"data":{"events":{"seen":"2 by null"}}}\n\n`,
    );
  });
});
