import { describe, expect, test } from "vitest";
import type { EveryOperation } from "./every-operation-fixture.ts";
import { sample } from "./every-type-samples.ts";
import { exportText, FORMATS, importAll } from "./files-of.ts";
import type { Answer } from "./models-fixture.ts";

/** What a file must bring back to what it was. */
const CHANGES: Readonly<Record<string, string>> = {
  Product: `note = 'changed', price = 0, words = '{}', picture = NULL, "seenAt" = now()`,
  Category: "name = name || '!'",
  Tag: "label = label || '!'",
  Detail: "text = 'changed'",
  Place: "count = 0",
  Visit: "at = now(), who = 'changed'",
};

/** Tests that records of every-type.prisma come back from a file as they were. */
export function describeFiles(made: () => EveryOperation): void {
  describe.each(FORMATS)("a file of %s brings back", (format) => {
    /** All of a table, but for what the database sets anew. */
    const rowsOf = (table: string): Promise<Answer[]> =>
      made().api.query(
        `SELECT (to_jsonb(t) - '{stamp,changedAt,loud}'::text[])::text AS row FROM ${table} t ORDER BY 1`,
      );
    const TABLES: Readonly<Record<string, string>> = {
      Product: `shop."all products"`,
      Category: `"Category"`,
      Tag: `shop."Tag"`,
      Detail: `"Detail"`,
      Place: `"Place"`,
      Visit: `shop."Visit"`,
    };

    test.each(Object.entries(TABLES))("every record of %s", async (model, table) => {
      await made().fill(model, 6);
      const before = await rowsOf(table);
      const file = await exportText(made().api.powercrud, model, format);
      await made().api.query(`DELETE FROM ${table}`);
      await importAll(made().api.powercrud, { model, operation: "CREATE", format }, file, before.length);
      expect(await rowsOf(table)).toEqual(before);
      await made().api.query(`UPDATE ${table} SET ${CHANGES[model] ?? ""}`);
      await importAll(made().api.powercrud, { model, operation: "UPSERT", format }, file, before.length);
      expect(await rowsOf(table)).toEqual(before);
    });

    test("records that refer to those of earlier rows, whatever fields each row has", async () => {
      await made().api.query(`DELETE FROM "Category"`);
      const rows = [
        { id: 1, name: "root", parentId: null },
        { id: 2, name: "trunk" },
        { id: 3, name: "branch", parentId: 2 },
        { id: 4, name: "leaf" },
        { id: 5, name: "bud", parentId: 4 },
      ];
      const file = rows.map((row) => JSON.stringify(row)).join("\n");
      const form = { model: "Category", operation: "UPSERT", format: "jsonl" } as const;
      await importAll(made().api.powercrud, form, file, rows.length);
      const parents = await made().api.query(`SELECT "parentId" FROM "Category" ORDER BY id`);
      expect(parents.map(({ parentId }) => parentId)).toEqual([null, null, 2, null, 4]);
    });

    test("links, to records by unique keys and to those of the file itself", async () => {
      const JOINS = [`shop."_ProductToTag"`, `shop."_related"`];
      const [one, two, three] = await made().fill("Product", 3);
      await made().writeMany("bulkCreate", "Tag", { data: [1, 2].map((at) => sample("Tag", at)) }, 2);
      const tags = (await made().list("Tag")).map(({ id }) => id as string);
      const link = (id: string | undefined, data: object): Promise<Answer> =>
        made().write("update", "Product", { id, data });
      await link(one, { tags: { set: tags }, relatedTo: { set: [three] } });
      await link(two, { tags: { set: tags.slice(1) }, relatedTo: { set: [one, two] } });
      const before = await Promise.all([TABLES["Product"] ?? "", ...JOINS].map(rowsOf));
      expect(before.map(({ length }) => length)).toEqual([3, 3, 3]);
      const everything = await exportText(made().api.powercrud, "Product", format);
      const fields = ["code", "tags.label", "relatedTo.code", "category.id"];
      const named = await exportText(made().api.powercrud, "Product", format, { fields });
      await made().api.query(`DELETE FROM shop."all products"`);
      await importAll(made().api.powercrud, { model: "Product", operation: "CREATE", format }, everything, 3);
      const [records, withTags, withOthers] = await Promise.all(
        [TABLES["Product"] ?? "", ...JOINS].map(rowsOf),
      );
      expect([records, withTags]).toEqual(before.slice(0, 2));
      // Records of the same model are linked once they are there.
      expect(withOthers).toEqual([]);
      await made().api.query(`DELETE FROM ${JOINS[0]}`);
      const form = { model: "Product", operation: "UPDATE", key: "code", format } as const;
      await importAll(made().api.powercrud, form, named, 3);
      expect(await Promise.all([TABLES["Product"] ?? "", ...JOINS].map(rowsOf))).toEqual(before);
    });
  });
}
