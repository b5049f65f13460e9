import { expect, it } from "vitest";
import type { SavedView } from "../../../src/core/saved-views/saved-view-store.ts";
import type { SavedViewRequest } from "../../../src/core/saved-views/saved-views.ts";
import { createSavedViews } from "../../../src/core/saved-views/saved-views.ts";

const NOW = new Date("2026-11-28T12:00:00Z");
const ANN = { id: "ann" };
const NOBODY = { id: null };

function open(options: { readonly isAuthRequired?: boolean; readonly isFull?: boolean } = {}) {
  const kept = new Map<string, SavedView>();
  const views = createSavedViews({
    store: {
      list: async () => [...kept.values()],
      find: async (id) => kept.get(id),
      add: async (view) => {
        kept.set(view.id, view);
        return options.isFull !== true;
      },
      change: async () => undefined,
      remove: async (id) => kept.delete(id),
    },
    clock: { now: () => NOW },
    mayRead: (model) => model === "City",
    isAuthRequired: options.isAuthRequired ?? true,
    isAdmin: () => false,
  });
  const save = (part: Partial<SavedViewRequest>, viewer: { id: string | null } = ANN) =>
    views.save({ model: "City", name: "x", state: {}, isShared: false, ...part }, viewer);
  return { views, save };
}

it("a name or a state that cannot be kept is refused, each with its reason", async () => {
  const { save } = open();
  const messages = async (part: Partial<SavedViewRequest>): Promise<unknown> => {
    const outcome = await save(part);
    return outcome.kind === "INVALID" ? outcome.problems.map(({ field }) => field) : outcome.kind;
  };
  expect(await messages({ name: "x".repeat(100), state: { text: "x".repeat(19_989) } })).toBe("SAVED");
  expect(await messages({ name: "x".repeat(101) })).toEqual(["name"]);
  expect(await messages({ name: "a\u0000" })).toEqual(["name"]);
  expect(await messages({ state: { text: "x".repeat(19_990) } })).toEqual(["state"]);
  expect(await messages({ state: { deep: [{ text: "\uD800" }] } })).toEqual(["state"]);
  for (const state of [[], null, "x", undefined]) {
    expect(await messages({ state })).toEqual(["state"]);
  }
});

it("who has as many as can be is told so", async () => {
  expect(await open({ isFull: true }).save({})).toMatchObject({
    message: "You have 100 views of City, which is the most. Delete one first.",
  });
});

it("an anonymous viewer keeps views only where nobody needs to say who it is", async () => {
  expect(await open().save({}, NOBODY)).toMatchObject({ kind: "FORBIDDEN" });
  const { views, save } = open({ isAuthRequired: false });
  const saved = await save({}, NOBODY);
  expect(saved).toMatchObject({ kind: "SAVED", view: { createdBy: null } });
  const id = saved.kind === "SAVED" ? saved.view.id : "";
  expect(await views.remove(id, NOBODY)).toEqual({ kind: "DELETED", id });
});

it("a view that is deleted while it is changed is missing", async () => {
  const { save } = open();
  const saved = await save({});
  const id = saved.kind === "SAVED" ? saved.view.id : "";
  expect(await save({ id, name: "y" })).toMatchObject({ kind: "MISSING" });
});
