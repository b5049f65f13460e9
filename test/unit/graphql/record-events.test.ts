import { parse, subscribe } from "graphql";
import { expect, it } from "vitest";
import type { RecordFeedRequest } from "../../../src/core/record-events/record-feed.ts";
import { gapOf } from "../../../src/core/record-events/record-subscription.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import { createTaskSight } from "../../../src/core/tasks/task-sight.ts";
import { createFixtureSchema } from "../../integration/server-fixture.ts";

it("recordEvents asks the rule who sees tasks what it may say of events that cannot be checked", async () => {
  const requests: RecordFeedRequest[] = [];
  const feed = {
    async subscribe(request: RecordFeedRequest) {
      requests.push(request);
      async function* events() {
        yield gapOf(request.model);
      }
      return events() as never;
    },
  };
  const sight = createTaskSight({ isAdmin: ({ id }) => id === "admin", readsAs: () => true });
  const schema = createFixtureSchema({ controls: {}, tasks: {} } as never, { feed, sight });
  const document = parse("subscription { recordEvents(model: City) { type isAll task { id } } }");
  for (const id of ["ann", "admin"]) {
    const results = await subscribe({ schema, document, contextValue: { viewer: { id } } });
    const first = await (results as AsyncGenerator).next();
    expect(first.value).toEqual({ data: { recordEvents: { type: "GAP", isAll: true, task: null } } });
  }
  const task = (id: string) => ({ viewer: { id }, kind: "bulkUpdate", model: "City" }) as Task;
  const seen = requests.map(({ canSee }) => [canSee?.(task("ann")), canSee?.(task("bob"))]);
  expect(seen).toEqual([
    [true, false],
    [true, true],
  ]);
});
