import { graphql } from "graphql";
import { afterAll, beforeAll, expect, it } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import type { PowerCrud } from "../../src/index.ts";
import { createPowerCrud, defineConfig } from "../../src/index.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";

let database: TestDatabase;
let powercrud: PowerCrud;
beforeAll(async () => {
  database = await createTestDatabase();
  // Models without a rule are for administrators.
  const models = { ...demoConfig.models, City: { access: true }, Country: { access: true } };
  powercrud = await createPowerCrud({
    config: defineConfig({ ...demoConfig, models }),
    databaseUrl: database.url,
    role: "client",
    settings: { auth: "required" },
  });
  await powercrud.start();
});
afterAll(async () => {
  await powercrud.stop();
  await database.drop();
});

async function ask(user: string, source: string): Promise<Record<string, unknown>> {
  const viewer = { id: user, roles: user === "root" ? ["admin"] : [] };
  const { data, errors } = await graphql({ schema: powercrud.schema, source, contextValue: { viewer } });
  expect(errors).toBeUndefined();
  return data as Record<string, unknown>;
}

it("a saved view is its owner's to change, and others see it where it is shared and they may read the model", async () => {
  const save = (user: string, more: string): Promise<unknown> =>
    ask(
      user,
      `mutation { saveView(state: {q: "x"}, ${more}) {
      ... on ViewSaved { view { id name isShared createdBy canChange } } ... on Error { code message }
    } }`,
    ).then(({ saveView }) => saveView);
  const names = async (user: string, model = "City"): Promise<unknown> =>
    (await ask(user, `{ savedViews(model: ${model}) { name canChange state } }`))["savedViews"];
  const remove = async (user: string, id: string): Promise<unknown> =>
    (await ask(user, `mutation { deleteSavedView(id: "${id}") { __typename } }`))["deleteSavedView"];

  const { view } = (await save("ann", `model: City, name: " Mine "`)) as { view: { id: string } };
  expect(view).toMatchObject({ name: "Mine", isShared: false, createdBy: "ann", canChange: true });
  expect(await names("ann")).toEqual([{ name: "Mine", canChange: true, state: { q: "x" } }]);
  expect(await names("bob")).toEqual([]);
  const change = `id: "${view.id}", model: City, name: "Ours", isShared: true`;
  expect(await save("bob", change)).toMatchObject({ code: "NOT_FOUND" });
  expect(await remove("bob", view.id)).toEqual({ __typename: "NotFoundError" });
  expect(await save("ann", change)).toMatchObject({ view: { name: "Ours", isShared: true } });
  expect(await names("bob")).toEqual([{ name: "Ours", canChange: false, state: { q: "x" } }]);
  expect(await save("bob", change)).toMatchObject({ code: "FORBIDDEN" });
  expect(await remove("bob", view.id)).toEqual({ __typename: "ForbiddenError" });
  expect(await save("ann", `id: "${view.id}", model: Country, name: "x"`)).toMatchObject({
    message: "It is a view of City, and stays one.",
  });
  expect(await save("bob", `model: City, name: " "`)).toMatchObject({
    code: "VALIDATION_FAILED",
    message: "A name has from 1 to 100 characters.",
  });

  await save("root", `model: Tag, name: "Tags", isShared: true`);
  expect(await names("root", "Tag")).toHaveLength(1);
  expect(await names("bob", "Tag")).toEqual([]);
  expect(await save("bob", `model: Tag, name: "x"`)).toMatchObject({ code: "FORBIDDEN" });
  expect(await save("root", `id: "${view.id}", model: City, name: "By root"`)).toMatchObject({
    view: { createdBy: "ann", canChange: true },
  });
  expect(await remove("root", view.id)).toEqual({ __typename: "ViewDeleted" });
  expect(await names("ann")).toEqual([]);
});
