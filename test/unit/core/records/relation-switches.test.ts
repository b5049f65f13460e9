import { describe, expect, it } from "vitest";
import type { FieldSwitches } from "../../../../src/core/records/field-switches.ts";
import type { Model } from "../../../../src/core/records/model.ts";
import { followForeignKeys } from "../../../../src/core/records/relation-switches.ts";
import { modelOf, relation, scalar } from "../../../support/model-fixture.ts";

/** Switches of the columns and relations of posts and their authors, both of a tenant. */
interface Switches {
  readonly authorId?: FieldSwitches;
  readonly author?: FieldSwitches;
  readonly posts?: FieldSwitches;
  readonly postTenant?: FieldSwitches;
  readonly userTenant?: FieldSwitches;
}

function settle(given: Switches): Readonly<Record<string, FieldSwitches | undefined>> {
  const switched = (switches: FieldSwitches | undefined) => (switches === undefined ? {} : { switches });
  const models = followForeignKeys([
    modelOf("User", [
      scalar("id", "Int", { isKey: true }),
      scalar("tenantId", "Int", switched(given.userTenant)),
      relation("posts", "Post", { relationName: "written", isList: true, ...switched(given.posts) }),
    ]),
    modelOf("Post", [
      scalar("id", "Int", { isKey: true }),
      scalar("tenantId", "Int", switched(given.postTenant)),
      scalar("authorId", "Int", switched(given.authorId)),
      relation("author", "User", {
        relationName: "written",
        foreignKey: ["tenantId", "authorId"],
        references: ["tenantId", "id"],
        ...switched(given.author),
      }),
    ]),
  ]);
  const switchesOf = (model: Model | undefined, name: string) =>
    model?.fields.find((field) => field.name === name)?.switches;
  return { author: switchesOf(models[1], "author"), posts: switchesOf(models[0], "posts") };
}

const HIDDEN = { isExposed: false };

describe("the switches of a relation", () => {
  it("are those of its foreign key, at both ends", () => {
    expect(settle({ authorId: HIDDEN })).toMatchObject({ author: HIDDEN, posts: HIDDEN });
    expect(settle({ authorId: { isFilterable: false, isSortable: false, isReadOnly: true } })).toEqual({
      author: { isFilterable: false, isSortable: false },
      posts: { isFilterable: false, isSortable: false },
    });
  });

  it("are its own where it has any", () => {
    expect(settle({ authorId: HIDDEN, author: { isExposed: true } })).toMatchObject({
      author: { isExposed: true },
      posts: HIDDEN,
    });
  });

  it("do not close the other end or the foreign key", () => {
    expect(settle({ posts: HIDDEN })).toEqual({ author: undefined, posts: HIDDEN });
  });

  it("ignore a hidden column that refers to a hidden one, since the relation does not show it", () => {
    expect(settle({ postTenant: HIDDEN, userTenant: HIDDEN })).toEqual({
      author: undefined,
      posts: undefined,
    });
    expect(settle({ postTenant: HIDDEN })).toMatchObject({ author: HIDDEN, posts: HIDDEN });
  });
});
