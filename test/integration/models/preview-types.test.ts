import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkModels } from "./bulk-models.ts";
import type { Answer } from "./models-fixture.ts";
import { DRY, previewOf } from "./preview-of.ts";

describe("the preview of values of every native type", () => {
  let api: BulkFixture;
  beforeAll(async () => {
    api = await createBulkModels("native-models.prisma", {}, "CREATE EXTENSION citext; ");
  });
  afterAll(() => api.stop());

  test("has them as the API writes them, before and after, as the run then leaves them", async () => {
    const { __type: type } = await api.data(
      `{ __type(name: "Native") { fields { name type { kind name ofType { kind name } } } } }`,
    );
    const columns: string[] = type.fields
      .map(({ name }: Answer) => name as string)
      .filter((name: string) => name !== "id" && name !== "activeTask");
    await api.query(
      `INSERT INTO "Native" VALUES (1, 'a', 'a', 'a', 'a', '101', '10', '00000000-0000-0000-0000-000000000000', '<a/>', '10.0.0.1', 'A', 1, 1, 1, 1, 1, 0.1, 1.5, 1.25, '2026-01-31T12:00:00.123', '2026-01-31T12:00:00', '2026-01-31T12:00:00.123Z', '2026-01-31T12:00:00Z', '2026-01-31', '12:00:00.123', '12:00:00', '12:00:00.123Z', '12:00:00Z', '{"a": ["x"]}', '{"a": ["x"]}', '\\x00', true, '{a}', '{a}', '{10}', '{10.0.0.1}', '{1}', '{0.1}', '{1}', '{2026-01-31}', '{12:00:00.123}', '{2026-01-31T12:00:00.123}', '{2026-01-31T12:00:00Z}', '{"{}"}', '{"\\\\x00"}', '2026-01-31T12:00:00.123', '2026-01-31T12:00:00.123Z', '12:00:00.123', '12:00:00.123Z')`,
    );
    await api.query(
      `INSERT INTO "Native" (id, citext, "text", "bigInt", "decimal", money, double) VALUES (2, 'a', 'A', 9007199254740993, 2.50, 3, 1e300)`,
    );
    const all = async (): Promise<Answer[]> =>
      (await api.data(`{ natives { nodes { id ${columns.join(" ")} } } }`)).natives.nodes;
    const before = await all();
    const { id: _id, ...values } = before[0];
    const data = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
    const records = [
      { id: "2", data },
      { id: "1", data: Object.fromEntries(Object.keys(data).map((name) => [name, before[1][name]])) },
    ];
    const args = { records: ["[NativeUpdateEachInput!]!", records] } as const;
    const tried = await api.run("bulkUpdateEachNatives", args, DRY);
    expect(tried).toMatchObject({ status: "SUCCEEDED", errors: [] });
    const preview = await previewOf(api, tried);
    expect(await api.run("bulkUpdateEachNatives", args, { errorPolicy: "SKIP_FAILED" })).toMatchObject({
      status: "SUCCEEDED",
    });
    const after = await all();
    const byId = (nodes: Answer[], id: string): Answer => {
      const { id: _own, ...rest } = nodes.find((node) => node.id === id);
      return Object.fromEntries(Object.entries(rest).filter(([name]) => name in data));
    };
    for (const { recordId, ...shown } of preview.records) {
      expect(shown).toEqual({ before: byId(before, recordId), after: byId(after, recordId), error: null });
    }
    expect(preview.records).toHaveLength(2);
    for (const { field, changed, values: top } of preview.fields) {
      const pairs = ["1", "2"].map((id) => [byId(before, id)[field], byId(after, id)[field]] as const);
      const differing = pairs.filter(([was, is]) => JSON.stringify(was) !== JSON.stringify(is));
      expect([field, changed]).toEqual([field, differing.length]);
      expect(top.map(({ value }: Answer) => JSON.stringify(value)).toSorted()).toEqual(
        [...new Set(differing.map(([, is]) => JSON.stringify(is)))].toSorted(),
      );
    }
    const figures = Object.fromEntries(
      preview.fields.flatMap(({ field, after: each }: Answer) => (each === null ? [] : [[field, each]])),
    );
    expect(figures).toMatchObject({
      bigInt: { min: "1", max: "9007199254740993", sum: "9007199254740994" },
      decimal: { min: "1.5", max: "2.5", sum: "4" },
      money: { min: "1.25", max: "3", sum: "4.25" },
      double: { min: 1, max: 1e300, sum: 1e300 },
    });
  });
});
