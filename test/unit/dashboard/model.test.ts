import { expect, test } from "vitest";
import { readModels } from "../../../src/dashboard/models/model.ts";

type Overview = Parameters<typeof readModels>[0];
type Fields = readonly (readonly [name: string, can?: { isUpdatedAt?: boolean; canRead?: boolean }])[];

/** What a service says of one model, as far as {@link readModels} needs it. */
function overviewOf(fields: Fields): Overview {
  const rights = { canRead: true, canUpdate: true, canDelete: true };
  return {
    viewer: {
      id: null,
      roles: [],
      models: [
        {
          model: "Note",
          ...rights,
          fields: fields.map(([name, can]) => ({ name, canRead: true, isUpdatedAt: false, ...can })),
        },
      ],
    },
    queries: {
      fields: [
        { name: "notes", args: [{ name: "where" }], type: { kind: "OBJECT", name: "NoteConnection" } },
      ],
    },
    mutations: { fields: [] },
  } as unknown as Overview;
}

/** The field that a write of a record sends as the expected one. */
const datedBy = (...fields: Fields): string | undefined => readModels(overviewOf(fields))[0]?.updatedAt;

test("a record's time of change is the field that the service compares, whatever its name", () => {
  expect(datedBy(["id"], ["updatedAt"], ["modifiedAt", { isUpdatedAt: true }])).toBe("modifiedAt");
});

test("a field that is only called updatedAt is not", () => {
  expect(datedBy(["id"], ["updatedAt"])).toBeUndefined();
});

test("a field that the caller cannot read is not: nothing could be sent", () => {
  expect(datedBy(["id"], ["updatedAt", { isUpdatedAt: true, canRead: false }])).toBeUndefined();
});
