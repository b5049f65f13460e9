import { expect, it, onTestFinished } from "vitest";
import { startServerFixture } from "./server-fixture.ts";

const LEVELS = 20_000;
const LISTS = `${"[".repeat(LEVELS)}null${"]".repeat(LEVELS)}`;
const OBJECTS = `${"{a: ".repeat(LEVELS)}null${"}".repeat(LEVELS)}`;

const VARIABLES = `{"query": "query ($v: TaskWhere) { tasks(where: $v) { totalCount } }", "variables": {"v": ${LISTS}}}`;
const DOCUMENT = JSON.stringify({ query: `{ tasks(where: ${OBJECTS}) { totalCount } }` });

it.each([
  ["the variables", VARIABLES, "The variables are nested too deeply; 1000 levels"],
  ["the document", DOCUMENT, "The document is nested too deeply. Give large values as variables."],
])("an operation nested too deeply for the stack is refused: %s", async (_what, body, message) => {
  const fixture = await startServerFixture();
  onTestFinished(() => fixture.stop());
  const headers = { "content-type": "application/json", accept: "application/json" };
  const response = await fetch(`${fixture.server.url}/graphql`, { method: "POST", headers, body });
  expect(await response.json()).toMatchObject({
    errors: [{ message: expect.stringContaining(message), extensions: { code: "LIMIT_EXCEEDED" } }],
  });
  expect(fixture.logged).toEqual([]);
});
