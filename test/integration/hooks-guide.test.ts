import { readFile } from "node:fs/promises";
import { z } from "zod";
import { afterAll, beforeAll, expect, it } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import type { PowerCrud, PowerCrudConfig } from "../../src/index.ts";
import { createPowerCrud, defineConfig, defineTask } from "../../src/index.ts";
import { codeBlocks } from "../support/markdown-code.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";

let database: TestDatabase;
let powercrud: PowerCrud;
/** The calls of the services that the guide's config imports. */
const calls: unknown[][] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  const [code = ""] = codeBlocks(await readFile("docs/hooks.md", "utf8"), "ts");
  const note =
    (name: string) =>
    (...words: unknown[]) =>
      void calls.push([name, ...words]);
  const config = readConfig(code, {
    defineConfig,
    defineTask,
    z,
    generated: demoConfig.generated,
    audit: note("audit"),
    mail: note("mail"),
    searchIndex: note("searchIndex"),
  });
  powercrud = await createPowerCrud({ config, databaseUrl: database.url });
  await powercrud.start();
});
afterAll(async () => {
  await powercrud.stop();
  await database.drop();
});

it("the example of docs/hooks.md runs", async () => {
  const refused = await powercrud.tasks.launch("sendInvoices", { month: "May" });
  expect(refused).toMatchObject({ kind: "INVALID", message: "Sign in to send invoices." });
  const launched = await powercrud.tasks.launch("sendInvoices", { month: "May" }, { viewer: { id: "ada" } });
  const id = launched.kind === "LAUNCHED" ? launched.task.id : launched.message;
  await powercrud.tasks.wait(id);
  await expect
    .poll(() => calls)
    .toEqual([
      ["searchIndex", [{ model: "Tag", ids: "all" }]],
      ["audit", `${id}:complete`, { kind: "sendInvoices", result: { sent: 12 } }],
      ["mail", `${id}:complete`, "The invoices of May are sent."],
    ]);
});

/** The default export of code, whose imports are given. */
function readConfig(code: string, names: Readonly<Record<string, unknown>>): PowerCrudConfig {
  const body = code.replaceAll(/^import .*\n/gm, "").replace("export default", "return");
  // eslint-disable-next-line typescript/no-implied-eval -- the guide's own code
  return new Function(...Object.keys(names), body)(...Object.values(names)) as PowerCrudConfig;
}
