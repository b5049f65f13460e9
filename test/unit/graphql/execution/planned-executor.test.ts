import { makeExecutableSchema } from "@graphql-tools/schema";
import { normalizedExecutor } from "@graphql-tools/executor";
import fc from "fast-check";
import type { ExecutionArgs, GraphQLObjectType } from "graphql";
import { GraphQLError, GraphQLScalarType, Kind, parse, validate } from "graphql";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Execute, PlanLimits } from "../../../../src/graphql/execution/planned-executor.ts";
import { createPlannedExecutor } from "../../../../src/graphql/execution/planned-executor.ts";

/** The resolvers that were called, in order, with their arguments and paths. */
let calls: unknown[] = [];

const Upper = new GraphQLScalarType({
  name: "Upper",
  serialize: (value) => {
    if (value === "refused") {
      throw new GraphQLError("It cannot be written.", { extensions: { code: "NO" } });
    }
    return value === "nothing" ? undefined : String(value).toUpperCase();
  },
  parseValue: (value) => ({ upper: String(value) }),
  parseLiteral: (node) => ({ upper: node.kind === Kind.STRING ? `literal ${node.value}` : node.kind }),
});

const schema = makeExecutableSchema({
  typeDefs: `
    scalar Upper
    enum Color { RED GREEN }
    input Box @oneOf { text: String color: Color }
    input Deep { boxes: [Box!] deep: Deep size: Int = 3 }
    interface Named { name: String! }
    type Cat implements Named { name: String! lives: Int friend: Thing owner: Person! }
    type Dog implements Named { name: String! barks(times: Int = 2, deep: Deep): String! owner: Person }
    type Stone { weight: Float! }
    union Thing = Cat | Dog | Stone
    type Person { name: String! pets: [Named!]! things: [Thing] strict: [Person!]! list: [[Int!]]! upper(value: Upper): Upper
      failing: String failingStrict: String! late: String lateFailing: String! nothing: String! color: Color colors: [Color!]
      promised: String method(times: Int): String stream: [Int!] brokenStream: [Int] notList: [Int] error: Int many: [Int]
      self: Person selfStrict: Person! }
    type Query { person: Person strictPerson: Person! thing(kind: String!): Thing things: [Thing!] echo(deep: Deep, color: Color, id: ID): String nothing: Person! }
    type Subscription { changed: Person! }
    type Mutation { first(text: String): String second: Person third: String! }
  `,
  resolvers: {
    Upper,
    Color: { RED: 1, GREEN: 2 },
    Named: { __resolveType: (value: { kind: string }) => value.kind },
    Thing: {
      __resolveType: (value: { kind: string }) =>
        value.kind === "Stone" ? Promise.resolve("Stone") : value.kind,
    },
    Cat: {
      owner: () => personOf(),
      friend: () => ({ kind: "Dog", name: "Rex" }),
    },
    Dog: {
      barks: (_dog, args) => JSON.stringify(args),
      owner: async () => personOf(),
    },
    Stone: { __isTypeOf: (value: { weight?: number }) => value.weight !== 0 },
    Person: {
      pets: () => [
        { kind: "Cat", name: "Tom", lives: 9 },
        { kind: "Dog", name: "Rex" },
      ],
      things: async () => [
        { kind: "Cat", name: "Tom" },
        null,
        { kind: "Stone", weight: 0 },
        { kind: "Lizard" },
        new Error("a broken thing"),
        Promise.reject(new Error("a late broken thing")),
        Promise.resolve({ kind: "Stone", weight: 2 }),
      ],
      strict: () => [personOf(), null, personOf()],
      upper: (_person, { value }: { value?: { upper: string } }) => value?.upper ?? null,
      failing: () => {
        throw new Error("it fails");
      },
      failingStrict: () => {
        throw { message: "no Error", code: 7 };
      },
      late: () => new Promise((resolve) => void setImmediate(() => resolve("late"))),
      lateFailing: () => Promise.reject(new AggregateError([new Error("one"), new Error("two")])),
      nothing: () => null,
      error: () => new Error("returned"),
      many: () => {
        throw new AggregateError([new Error("one"), new Error("two")]);
      },
      stream: async function* () {
        yield 1;
        yield 2;
      },
      brokenStream: async function* () {
        yield 1;
        throw new Error("broken off");
      },
      self: () => personOf(),
      selfStrict: async () => personOf(),
    },
    Query: {
      person: () => personOf(),
      strictPerson: async () => personOf(),
      thing: (_root, { kind }: { kind: string }) => ({ kind, name: kind, weight: 1 }),
      things: () => [
        { kind: "Cat", name: "Tom", lives: 3 },
        { kind: "Dog", name: "Rex" },
      ],
      echo: (_root, args) => JSON.stringify(args),
      nothing: () => null,
    },
    Mutation: {
      first: async (_root, { text }: { text?: string }) => {
        await new Promise((resolve) => void setImmediate(resolve));
        return text ?? "first";
      },
      second: () => personOf(),
      third: () => {
        throw new Error("third");
      },
    },
  },
});

/** Notes each call, and what its info says. */
for (const type of Object.values(schema.getTypeMap())) {
  for (const field of "getFields" in type && "isTypeOf" in type ? Object.values(type.getFields()) : []) {
    const { resolve } = field;
    if (resolve !== undefined) {
      field.resolve = (source, args, context, info) => {
        const { path, fieldNodes, returnType, parentType, variableValues, operation, fragments } = info;
        const names = fieldNodes.map(({ name }) => name.value);
        const about = [String(returnType), parentType.name, variableValues, operation.operation];
        calls.push([path, names, args, ...about, Object.keys(fragments), context]);
        return resolve(source, args, context, info);
      };
    }
  }
}

function personOf(): object {
  return {
    name: "Ann",
    list: [[1, 2], null, [3, null]],
    color: 1,
    colors: [1, 2, 3],
    promised: Promise.resolve("promised"),
    method: ({ times }: { times?: number }) => `called ${times}`,
    notList: 7,
  };
}

async function answerOf(execute: Execute, args: ExecutionArgs): Promise<unknown> {
  calls = [];
  const result = await execute(args);
  // The interpreter puts what was promised behind the rest; in the plans, the order is the document's, as specified.
  return { result: JSON.parse(JSON.stringify(result)) as unknown, calls };
}

/** The interpreter's answer and the planned ones, from the first time on. */
async function bothAnswers(
  text: string,
  variableValues: Record<string, unknown> = {},
  operationName?: string,
): Promise<readonly unknown[]> {
  const document = parse(text);
  expect(validate(schema, document)).toEqual([]);
  const args = { schema, document, variableValues, contextValue: { viewer: "ann" }, operationName };
  const interpret = normalizedExecutor as Execute;
  let refusedCount = 0;
  const planned = createPlannedExecutor((given) => {
    refusedCount += 1;
    return interpret(given);
  });
  const answers = [await answerOf(interpret, args)];
  for (let time = 0; time < 3; time += 1) {
    answers.push(await answerOf(planned, args));
  }
  return [refusedCount, ...answers];
}

const PERSON = `name list color promised method(times: 3) stream late`;
const DOCUMENTS: readonly (readonly [string, Record<string, unknown>?, string?])[] = [
  [`{ person { ${PERSON} } __typename }`],
  [`{ a: person { x: name y: name } b: person { name } }`],
  [`{ person { failing late error name many } }`],
  [`{ person { failingStrict } strictPerson { name } }`],
  [`{ strictPerson { lateFailing name } }`],
  [`{ person { selfStrict { selfStrict { nothing } name } failing } }`],
  [`{ nothing { name } }`],
  [`{ person { colors notList brokenStream list } }`],
  [`{ person { strict { name late } } }`],
  [`{ person { things { __typename ... on Cat { name owner { name } } ... on Stone { weight } } } }`],
  [
    `{ person { pets { name ...D ... on Cat { lives friend { ...T } } } } } fragment D on Dog { barks owner { name } } fragment T on Thing { ... on Dog { b: barks(times: 7, deep: {boxes: [{text: "x"}], deep: {size: 1}}) } }`,
  ],
  [`{ thing(kind: "Cat") { ... on Named { name } } l: thing(kind: "Lizard") { __typename } }`],
  [
    `{ person { a: upper(value: "text") b: upper(value: refused) c: upper d: upper(value: "nothing") e: upper(value: 7) } }`,
  ],
  [`query ($v: Upper) { person { upper(value: $v) } }`, { v: "refused" }],
  [`query ($v: Upper = "default") { person { upper(value: $v) } }`],
  [
    `query ($d: Deep, $c: Color, $id: ID) { echo(deep: $d, color: $c, id: $id) }`,
    { d: { boxes: [{ text: "a" }, { color: "RED" }], deep: {} }, c: "GREEN", id: 7 },
  ],
  [`query ($d: Deep) { echo(deep: $d) }`, { d: { boxes: [{ text: "a", color: "RED" }] } }],
  [`query ($d: Deep) { echo(deep: $d) }`, { d: { boxes: { text: "one is a list" } } }],
  [`query ($s: Int!) { echo(deep: {size: $s}) }`, { s: "seven" }],
  [`query ($s: Int) { echo(deep: {size: $s, boxes: []}) }`],
  [
    `query ($yes: Boolean!) { person { name @include(if: $yes) late @skip(if: $yes) ...F @include(if: $yes) } } fragment F on Person { color self { name @skip(if: $yes) color } }`,
    { yes: true },
  ],
  [
    `query ($yes: Boolean!) { person { name @include(if: $yes) late @skip(if: $yes) ...F @include(if: $yes) } } fragment F on Person { color self { name @skip(if: $yes) color } }`,
    { yes: false },
  ],
  [`{ person { name @skip(if: true) color @include(if: true) } }`],
  [`mutation { first second { name failing } third }`],
  [`mutation ($t: String) { a: first(text: $t) b: first(text: "b") second { late name } }`, { t: "a" }],
  [`query A { person { name } } query B { things { __typename } }`, {}, "B"],
  [`{ things { ... on Named { name } ... on Cat { lives } } }`],
  [
    `{ __schema { queryType { name fields { name type { name kind ofType { name } } } } } __type(name: "Cat") { name } }`,
  ],
];

/** Without the order in which promises happened to be kept. */
function sorted(answer: unknown): {
  readonly data: unknown;
  readonly errors: unknown;
  readonly calls: unknown;
} {
  const { result, calls: made } = answer as {
    result: { data: unknown; errors?: unknown[] };
    calls: unknown[];
  };
  const { data, errors = [] } = result;
  return {
    data,
    errors: errors.map((error) => JSON.stringify(error)).toSorted(),
    calls: made.map((call) => JSON.stringify(call)).toSorted(),
  };
}

function withoutErrors(answer: unknown): unknown {
  const { data, calls: made } = sorted(answer);
  return { data, calls: made };
}

describe("an operation is answered as the interpreter answers it, the first time and later", () => {
  it.each(DOCUMENTS.map((one) => ({ one })))("$one", async ({ one: [text, variables, operationName] }) => {
    const [refusedCount, interpreted, ...planned] = await bothAnswers(text, variables, operationName);
    expect(planned).toEqual([interpreted, interpreted, interpreted]);
    expect(refusedCount).toBe(JSON.stringify(interpreted).includes("got invalid value") ? 3 : 0);
  });

  it("with the fields in the order of the document", async () => {
    const document = parse(`{ person { late name promised color } __typename }`);
    const execute = createPlannedExecutor(() => undefined);
    expect(JSON.stringify(await execute({ schema, document }))).toBe(
      `{"data":{"person":{"late":"late","name":"Ann","promised":"promised","color":"RED"},"__typename":"Query"}}`,
    );
  });

  it("whatever its selections are", async () => {
    const fields = [
      "name",
      "failing",
      "late",
      "nothing",
      "error",
      "colors",
      "list",
      "promised",
      "stream",
      "many",
    ];
    const things = `things { __typename ... on Cat { name lives } ... on Dog { barks } }`;
    const { person } = fc.letrec<{ person: string }>((tie) => ({
      person: fc
        .array(
          fc.oneof(
            { depthSize: "small" },
            fc.constantFrom(...fields, "lateFailing", things, "method(times: $n)"),
            fc
              .tuple(
                fc.constantFrom("", "x: ", "y: "),
                fc.constantFrom("self", "selfStrict"),
                fc.constantFrom("", "@include(if: $yes)", "@skip(if: $yes)"),
                tie("person"),
              )
              .map(([alias, name, directive, inner]) => `${alias}${name} ${directive} { ${inner} }`),
            tie("person").map((inner) => `... on Person { ${inner} }`),
          ),
          { minLength: 1, maxLength: 5 },
        )
        .map((parts) => parts.join(" ")),
    }));
    await fc.assert(
      fc.asyncProperty(person, fc.boolean(), async (inner, yes) => {
        const text = `query ($yes: Boolean!, $n: Int) { person { ${inner} } strictPerson { ${inner} } }`;
        fc.pre(validate(schema, parse(text)).every(({ message }) => message.includes("is never used")));
        const document = `query ($yes: Boolean!, $n: Int) { person { ${inner} } strictPerson { ${inner} } used: person @include(if: $yes) { method(times: $n) } }`;
        fc.pre(validate(schema, parse(document)).length === 0);
        const [, interpreted, ...planned] = await bothAnswers(document, { yes, n: 3 });
        // Where a null spreads upwards, chance decides which errors beside it are still noted.
        const compare = inner.includes("nothing") ? withoutErrors : sorted;
        const expected = compare(interpreted);
        expect(planned.map(compare)).toEqual([expected, expected, expected]);
      }),
      { numRuns: 60 },
    );
  });
});

it("an item that is refused at once leaves no rejection of those before it unhandled", async () => {
  const document = parse(`{ person { strict { selfStrict { nothing } } } }`);
  const execute = createPlannedExecutor(() => undefined);
  for (let time = 0; time < 3; time += 1) {
    // The interpreter would end the process.
    expect(await execute({ schema, document })).toMatchObject({ data: { person: null } });
  }
});

it("an event of a subscription is executed as its root value", async () => {
  const execute = createPlannedExecutor(() => undefined);
  const document = parse(`subscription ($n: Int) { changed { name method(times: $n) } }`);
  const args = { schema, document, variableValues: { n: 3 }, rootValue: { changed: personOf() } };
  for (let time = 0; time < 2; time += 1) {
    expect(await execute(args)).toEqual({ data: { changed: { name: "Ann", method: "called 3" } } });
  }
});

it("an operation that is not in the document, or whose kind the schema has not, is refused by the other executor", () => {
  const refusal = { errors: [] };
  const execute = createPlannedExecutor(() => refusal);
  const document = parse(`query A { person { name } } query B { person { name } }`);
  expect(execute({ schema, document })).toBe(refusal);
  const small = makeExecutableSchema({ typeDefs: "type Query { a: Int }" });
  expect(execute({ schema: small, document: parse("mutation { a }") })).toBe(refusal);
});

describe("what is kept", () => {
  /** How often the selection of the document's person was worked out. */
  const countPlans = (): { readonly made: () => number } => {
    const type = schema.getType("Person") as GraphQLObjectType;
    const getFields = vi.spyOn(type, "getFields");
    return { made: () => getFields.mock.calls.length };
  };
  afterEach(() => vi.restoreAllMocks());

  async function repeat(times: number, limits: PlanLimits, ...texts: string[]): Promise<number> {
    const documents = texts.map((text) => parse(text));
    const execute = createPlannedExecutor(() => undefined, limits);
    const { made } = countPlans();
    for (let time = 0; time < times; time += 1) {
      for (const document of documents) {
        await execute({ schema, document });
      }
    }
    return made();
  }

  it("is the plan of a document that comes again", async () => {
    expect(await repeat(5, {}, `{ person { name } }`)).toBe(2);
  });

  it("is no plan of a document with too many fields", async () => {
    expect(
      await repeat(5, { maxFieldsPerDocument: 3 }, `{ person { a: name b: name c: name d: name } }`),
    ).toBe(20);
  });

  it("is forgotten when all plans have too many fields together", async () => {
    const texts = [`{ person { a: name } }`, `{ person { a: name b: name c: name } }`];
    expect(await repeat(4, { maxFields: 5 }, ...texts)).toBeGreaterThan(8);
  });

  it("a name that JavaScript itself uses is an ordinary one", async () => {
    const [, interpreted, ...planned] = await bothAnswers(
      `{ __proto__: person { name constructor: color toString: name } }`,
    );
    expect(planned).toEqual([interpreted, interpreted, interpreted]);
    expect(JSON.stringify(interpreted)).toContain("__proto__");
  });
});
