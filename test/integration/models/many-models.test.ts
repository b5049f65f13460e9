import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { manyModels } from "../../support/many-models.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";
import { generateFixture } from "./generate-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";

test("300 models are served, and their tables are read by one statement", async () => {
  const folder = await createTemporaryFolder("many-models");
  const file = join(folder.path, "schema.prisma");
  await writeFile(file, manyModels(300));
  const generated = await generateFixture(file);
  const api = await createModelsFixture({ generated });
  try {
    const { queries, mutations } = rootFieldsOf(api);
    expect(api.models.all()).toHaveLength(300);
    expect(queries).toBeGreaterThan(600);
    expect(mutations).toBeGreaterThan(2700);
    expect(api.sql.filter((text) => text.includes("pg_attribute"))).toHaveLength(1);
    expect(api.sql.length).toBeLessThan(5);
  } finally {
    await api.stop();
    await folder.remove();
  }
}, 180_000);

function rootFieldsOf({ schema }: Awaited<ReturnType<typeof createModelsFixture>>): {
  readonly queries: number;
  readonly mutations: number;
} {
  const count = (fields: object | undefined): number => Object.keys(fields ?? {}).length;
  return {
    queries: count(schema.getQueryType()?.getFields()),
    mutations: count(schema.getMutationType()?.getFields()),
  };
}
