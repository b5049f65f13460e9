import { expect, test } from "vitest";

import { nearestName } from "../../../src/kernel/nearest-name.ts";

test.each([
  ["POWERCRUD_PROT", ["POWERCRUD_PORT", "POWERCRUD_HOST"], "POWERCRUD_PORT"],
  ["POWERCRUD_LEASE", ["POWERCRUD_LEASE_MS", "POWERCRUD_DATA_DIR"], "POWERCRUD_LEASE_MS"],
  ["abc", ["abc"], "abc"],
  ["abc", ["xyz"], undefined],
  ["abc", [], undefined],
])("%s among %j: %s", (wrong, names, nearest) => {
  expect(nearestName(wrong, names)).toBe(nearest);
});
