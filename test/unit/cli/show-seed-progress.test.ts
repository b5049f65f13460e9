import { expect, test } from "vitest";

import { showSeedProgress } from "../../../src/cli/commands/seed.ts";

test("without a terminal, a few lines are written, however many updates there are", () => {
  const lines: string[] = [];
  const progress = showSeedProgress({ isTTY: false } as NodeJS.WriteStream, (line) => lines.push(line));
  for (let count = 0; count <= 1000; count += 1) {
    progress.update(count, 1000);
  }
  progress.end();
  expect(lines).toEqual([0, 200, 400, 600, 800, 1000].map((count) => `seeding: ${count} of 1000 records`));
});

test("a total of zero is shown without a division by zero", () => {
  const lines: string[] = [];
  showSeedProgress({ isTTY: false } as NodeJS.WriteStream, (line) => lines.push(line)).update(0, 0);
  expect(lines).toEqual(["seeding: 0 of 0 records"]);
});
