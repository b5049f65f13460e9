import { randomUUID } from "node:crypto";
import { beforeAll, beforeEach, expect, it } from "vitest";
import { createPgSession } from "../../src/adapters/postgres/connection/pg-session.ts";
import { createPostgresSavedViews } from "../../src/adapters/postgres/postgres-saved-views.ts";
import type { SavedView, SavedViewStore } from "../../src/core/saved-views/saved-view-store.ts";
import { describeLocks as describePostgres } from "./describe-worlds.ts";

const AT = new Date("2026-11-28T12:00:00.000Z");
const LATER = new Date("2026-11-28T13:00:00.000Z");

describePostgres("saved views", (world) => {
  let store: SavedViewStore;
  beforeAll(() => {
    store = createPostgresSavedViews({ session: createPgSession(world().pool) });
  });
  beforeEach(() => world().pool.query("DELETE FROM powercrud.saved_view"));

  const added = async (part: Partial<SavedView> = {}): Promise<SavedView> => {
    const view: SavedView = {
      id: randomUUID(),
      model: "City",
      createdBy: "ann",
      name: "Large ones",
      state: { q: "x", filter: [{ field: "population", value: 5 }] },
      isShared: false,
      createdAt: AT,
      updatedAt: AT,
      ...part,
    };
    expect(await store.add(view, 100)).toBe(true);
    return view;
  };
  const listed = async (viewerId: string | null, limit = 100): Promise<readonly string[]> =>
    (await store.list({ model: "City", viewerId, limit })).map(({ name }) => name);

  it("gives back what was added", async () => {
    const view = await added();
    expect(await store.find(view.id)).toEqual(view);
    expect(await store.find(randomUUID())).toBeUndefined();
    expect(await store.find("no id")).toBeUndefined();
  });

  it("lists a viewer's own by name, then the shared ones of others, of one model", async () => {
    await added({ name: "b" });
    await added({ name: "A", isShared: true });
    await added({ name: "a secret", createdBy: "bob" });
    await added({ name: "0 shared", createdBy: "bob", isShared: true });
    await added({ name: "of tags", model: "Tag", isShared: true });
    await added({ name: "nobody's", createdBy: null });
    expect(await listed("ann")).toEqual(["A", "b", "0 shared"]);
    expect(await listed(null)).toEqual(["nobody's", "0 shared", "A"]);
    expect(await listed("ann", 1)).toEqual(["A"]);
  });

  it("counts a viewer's views of a model, and adds none beyond the most", async () => {
    const first = await added({ createdBy: null });
    const next = { ...first, id: randomUUID() };
    expect(await store.add(next, 1)).toBe(false);
    expect(await store.find(next.id)).toBeUndefined();
    expect(await store.add({ ...next, model: "Tag" }, 1)).toBe(true);
    expect(await store.add({ ...next, id: randomUUID(), createdBy: "ann" }, 1)).toBe(true);
  });

  it("changes what a view keeps, not whose it is", async () => {
    const view = await added();
    const content = { name: "New", state: { sort: "name" }, isShared: true };
    expect(await store.change(view.id, content, LATER)).toEqual({ ...view, ...content, updatedAt: LATER });
    expect(await store.find(view.id)).toEqual({ ...view, ...content, updatedAt: LATER });
    expect(await store.change(randomUUID(), content, LATER)).toBeUndefined();
  });

  it("removes a view once", async () => {
    const view = await added();
    expect(await store.remove(view.id)).toBe(true);
    expect(await store.remove(view.id)).toBe(false);
    expect(await store.remove("no id")).toBe(false);
  });
});
