import { join } from "node:path";
import { printSchema } from "graphql";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isAppError } from "../../../src/kernel/app-error.ts";
import { generateFixture } from "./generate-fixture.ts";
import type { GeneratedCode, ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";

let generated: Awaited<ReturnType<typeof generateFixture>>;
let api: ModelsFixture;

beforeAll(async () => {
  generated = await generateFixture(join(import.meta.dirname, "other-models.prisma"));
  api = await createModelsFixture({ generated, modelOptions: { Secret: { isExposed: false }, Item: { plural: "stock" } } });
});
afterAll(async () => {
  await api.stop();
  await generated.remove();
});

test("print", () => {
  console.log(printSchema(api.schema));
});
