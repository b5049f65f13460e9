import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

import { expect, test } from "vitest";

import { isFinal, TASK_STATUSES, TRANSITIONS } from "../../src/core/tasks/task-status.ts";

/** The table of `docs/architecture.md`: the next statuses of each status that may change. */
async function readTable(): Promise<Record<string, string[]>> {
  const text = await readFile(resolve(import.meta.dirname, "../../docs/architecture.md"), "utf8");
  const section = /^## Statuses\n([\s\S]*?)^## /m.exec(text)?.[1] ?? "";
  const rows = [...section.matchAll(/^\| `([A-Z]+)` \| (.*) \|$/gm)];
  return Object.fromEntries(
    rows.map(([, from, to]) => [
      from ?? "",
      [...(to ?? "").matchAll(/`([A-Z]+)`/g)].map((match) => match[1] ?? ""),
    ]),
  );
}

test("the documented table of statuses is the code's", async () => {
  const open = TASK_STATUSES.filter((status) => !isFinal(status));
  expect(await readTable()).toEqual(Object.fromEntries(open.map((status) => [status, TRANSITIONS[status]])));
});
