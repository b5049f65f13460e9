import { expect, it } from "vitest";
import { checkRows } from "../../../../src/core/bulk/check-rows.ts";
import { encodeRows } from "../../../../src/core/bulk/encode-rows.ts";
import { findRows } from "../../../../src/core/bulk/find-rows.ts";
import { resolveSelection } from "../../../../src/core/bulk/resolve-selection.ts";
import type { RowsTarget, UpdateRow } from "../../../../src/core/bulk/bulk-request.ts";
import { sortIds, sortManyIds } from "../../../../src/core/locks/claim.ts";
import { createModelRegistry } from "../../../../src/core/records/model.ts";
import { contentHash, contentHashOfList } from "../../../../src/core/tasks/launch/launch-request.ts";
import { toRows } from "../../../../src/graphql/models/row-data.ts";
import { MAX_ITEMS_PER_TURN } from "../../../../src/kernel/turns.ts";
import { modelOf, scalar } from "../../../support/model-fixture.ts";
import { watchedList } from "../../../support/watched-list.ts";

const city = modelOf("City", [scalar("id", "Int", { isKey: true }), scalar("name", "String")]);
const models = createModelRegistry([city], []);
const COUNT = 25_000;
const viewer = { id: "ann", roles: [], claims: {} };
const ids = Array.from({ length: COUNT }, (_, at) => String(at));
const rows = ids.map((id): UpdateRow => ({ id, data: { name: `City ${id}` } }));
const updates = (records: readonly UpdateRow[]): RowsTarget => ({ operation: "UPDATE_EACH", records });
const found = ids.map((id) => ({ id, name: { kind: "ID", id } as const }));
/** No step asks for anything of it. */
const ports = { models } as never;

/** Each step of a bulk launch that walks the caller's list. */
const WALKS: Readonly<Record<string, (list: readonly never[]) => Promise<unknown>>> = {
  "the hash of ids": contentHashOfList,
  "a selection": (list) =>
    resolveSelection(ports, {
      model: city,
      selection: { ids: list },
      operation: "UPDATE",
      viewer,
      maxAffected: undefined,
      maxRecords: COUNT,
    }),
  "the input of records": (list) => toRows(city, "UPDATE_EACH", list),
  "the checks of records": (list) => checkRows(models, city, updates(list)),
  "the names of records": (list) => findRows(ports, viewer, city, updates(list)),
  "the values of records": (list) => encodeRows(ports, city, updates(list), found),
};

it.each(Object.entries(WALKS))("%s: a long list is walked in turns of the event loop", async (what, walk) => {
  const { list, most } = watchedList<unknown>(/ids|selection/.test(what) ? ids : rows);
  const done = await walk(list as never[]);
  expect(done).not.toHaveProperty("problems");
  expect(most()).toBeGreaterThan(0);
  expect(most()).toBeLessThanOrEqual(MAX_ITEMS_PER_TURN);
});

it("the hash of a list does not depend on how it is made", async () => {
  expect(await contentHashOfList(rows as never)).toBe(contentHash(rows as never));
  expect(await contentHashOfList([])).toBe(contentHash([]));
});

it("many ids are sorted as few are, without repeats", async () => {
  const many = [...ids, ...ids.slice(7, 9_000), "\u{1f600}", "\ufb01", "z"].toSorted(
    () => Math.random() - 0.5,
  );
  expect(await sortManyIds(many)).toEqual(sortIds(many));
});
