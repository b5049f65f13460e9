import { expect, it } from "vitest";
import { tieBreakers } from "../../../../src/core/filters/order-terms.ts";
import { modelOf, scalar } from "../../../support/model-fixture.ts";

const HIDDEN = { switches: { isExposed: false } };

it("no tie breaker is hidden, since cursors hold their values", () => {
  const token = scalar("token", "String", HIDDEN);
  const name = scalar("name", "String");
  const keyless = { ...modelOf("Token", [token, name]), primaryKey: [] };
  expect(tieBreakers({ ...keyless, isView: true })).toEqual({ columns: [name], isTotal: false });
  expect(tieBreakers({ ...keyless, uniques: [{ name: "token", fields: [token] }] })).toEqual({
    columns: [name],
    isTotal: false,
  });
});
