import { expect, test } from "vitest";
import { nestedRelations } from "../../../../src/core/bulk/nested-relations.ts";
import type { Field, Model } from "../../../../src/core/records/model.ts";
import { createModelRegistry } from "../../../../src/core/records/model.ts";
import { modelOf, relation, scalar } from "../../../support/model-fixture.ts";

const key = scalar("id", "Int", { isKey: true });
const name = scalar("name", "String");

/** What the inputs of notes call the lists that are written with one. */
function listsOf(fields: readonly Field[], ofLabels: Partial<Model> = {}): readonly string[] {
  const note = modelOf("Note", [key, ...fields]);
  const notes = relation("notes", "Note", { relationName: "l", isList: true });
  const label = { ...modelOf("Label", [key, name, notes]), ...ofLabels };
  const models = createModelRegistry([note, label], []);
  return nestedRelations(models, note).map(({ apiName }) => apiName);
}

const labels = relation("labels", "Label", { relationName: "l", isList: true });

test("new linked records have a member of their own, with the first name that no field has", () => {
  expect(listsOf([labels])).toEqual(["createLabels"]);
  expect(listsOf([{ ...labels, apiName: "tags" }])).toEqual(["createTags"]);
  expect(listsOf([labels, scalar("createLabels", "Int")])).toEqual(["createLabels2"]);
});

test("there is none where callers may not write the links, or create the records", () => {
  expect(listsOf([{ ...labels, switches: { isReadOnly: true } }])).toEqual([]);
  expect(listsOf([labels], { noCreateReason: "It has no columns." })).toEqual([]);
});
