import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isLong, parseLongJson, TextTooLarge } from "../../../src/server/long-json.ts";

const PIECES = { plainLength: 1_000_000, pieceLength: 3 };

/** What a parser makes of a text. */
const outcomeOf = async (parse: () => unknown): Promise<unknown> => {
  try {
    return { value: await parse() };
  } catch {
    return "refused";
  }
};

describe("a long JSON text", () => {
  it("is parsed as JSON.parse parses it, with any white space", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.jsonValue({ depthSize: "medium" }),
        fc.constantFrom(0, 1, "\t"),
        async (value, space) => {
          const text = JSON.stringify({ value, "__proto__ ": [value] }, undefined, space).replace(
            "__proto__ ",
            "__proto__",
          );
          expect(await parseLongJson(text, PIECES)).toEqual(JSON.parse(text));
        },
      ),
    );
  });

  it("is refused where JSON.parse refuses it", async () => {
    const token = fc.constantFrom(
      "[",
      "]",
      "{",
      "}",
      ",",
      ":",
      '"a"',
      "1",
      "-",
      "e5",
      " ",
      '"',
      "\\",
      "null",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(token, { maxLength: 14 }), async (tokens) => {
        for (const text of [`[${tokens.join("")}]`, `{"a":${tokens.join("")}}`, tokens.join("")]) {
          const native = await outcomeOf(() => JSON.parse(text) as unknown);
          const isContainer = /^\s*[[{]/.test(text);
          expect(await outcomeOf(() => parseLongJson(text, PIECES))).toEqual(
            isContainer ? native : "refused",
          );
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("may be long for its lists, however many", async () => {
    const ids = Array.from({ length: 60_000 }, (_, at) => String(at));
    const value = { query: "mutation", variables: { selection: { ids }, records: [{ ids }, { ids }] } };
    const parsed = (await parseLongJson(JSON.stringify(value))) as typeof value;
    expect(parsed).toEqual(value);
    expect([isLong(parsed.variables), isLong(parsed.variables.selection.ids), isLong(value)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it.each([
    ["a long text", { variables: { text: "x".repeat(1_100_000) } }],
    ["a long text in a list", { variables: { texts: ["x".repeat(1_100_000)] } }],
    [
      "many members",
      { variables: Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`name ${at}`, 1])) },
    ],
  ])("is refused for %s", async (_what, value) => {
    await expect(parseLongJson(JSON.stringify(value))).rejects.toBeInstanceOf(TextTooLarge);
  });

  it("leaves the turn many times", async () => {
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns += 1;
      if (!isOver) {
        setImmediate(count);
      }
    };
    setImmediate(count);
    await parseLongJson(JSON.stringify({ ids: Array.from({ length: 1_000_000 }, (_, at) => at) }));
    isOver = true;
    expect(turns).toBeGreaterThan(3);
  });
});
