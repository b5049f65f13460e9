import { createAccess } from "../../../../src/core/access/access-rules.ts";
import { expect, test } from "vitest";
import type { Model } from "../../../../src/core/records/model.ts";
import { createModelRegistry } from "../../../../src/core/records/model.ts";
import type { WhereFilter } from "../../../../src/core/access/access.ts";
import { ANONYMOUS } from "../../../../src/core/access/viewer.ts";
import { scopeFilter } from "../../../../src/core/filters/scope-filter.ts";
import { modelOf, scalar } from "../../../support/model-fixture.ts";

const relation = { kind: "relation", relationName: "r", isNullable: true, foreignKey: [] } as const;
const id = scalar("id", "Int", { isKey: true });
const BOOK: Model = modelOf("Book", [id]);
const AUTHOR: Model = modelOf("Author", [id]);
const MODELS = createModelRegistry(
  [
    {
      ...BOOK,
      fields: [id, { ...relation, name: "author", apiName: "author", type: "Author", isList: false }],
    },
    { ...AUTHOR, fields: [id, { ...relation, name: "books", apiName: "books", type: "Book", isList: true }] },
  ],
  [],
);
const OPEN = { open: { equals: true } };
const KNOWN = { known: { equals: true } };
const X = { id: { equals: 1 } };

function scoped(
  model: string,
  where: WhereFilter | undefined,
  scopes: Record<string, WhereFilter>,
): WhereFilter | undefined {
  return scopeFilter(
    { models: MODELS, access: createAccess((name) => () => scopes[name] ?? true) },
    ANONYMOUS,
    MODELS.get(model),
    where,
  );
}

test("without scopes a filter stays as it is", () => {
  const where = { OR: [X, { author: { is: { books: { every: X } } } }], author: { isNot: null } };
  expect(scoped("Book", where, {})).toEqual(where);
  expect(scoped("Book", undefined, {})).toBeUndefined();
  expect(scoped("Book", {}, {})).toBeUndefined();
});

test("the model's own scope narrows the whole filter", () => {
  expect(scoped("Book", undefined, { Book: OPEN })).toEqual(OPEN);
  expect(scoped("Book", { OR: [X] }, { Book: OPEN })).toEqual({ AND: [{ OR: [X] }, OPEN] });
});

test("related records count only where the viewer may see them, at any depth", () => {
  const scopes = { Author: KNOWN, Book: OPEN };
  expect(scoped("Book", { NOT: { author: { is: X } } }, { Author: KNOWN })).toEqual({
    NOT: { author: { is: { AND: [X, KNOWN] } } },
  });
  expect(scoped("Author", { AND: [{ books: { some: {}, none: X } }] }, { Book: OPEN })).toEqual({
    AND: [{ books: { some: OPEN, none: { AND: [X, OPEN] } } }],
  });
  expect(scoped("Author", { books: { every: X } }, { Book: OPEN })).toEqual({
    books: { every: { OR: [X, { NOT: OPEN }] } },
  });
  expect(scoped("Author", { books: { some: { author: { is: X } } } }, scopes)).toEqual({
    AND: [{ books: { some: { AND: [{ author: { is: { AND: [X, KNOWN] } } }, OPEN] } } }, KNOWN],
  });
});
