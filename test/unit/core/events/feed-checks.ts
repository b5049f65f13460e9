import fc from "fast-check";
import { expect } from "vitest";
import type { FeedItem } from "../../../../src/core/events/feed-item.ts";
import { decodeCursor } from "../../../../src/core/events/event-cursor.ts";
import type { createTaskFeed, TaskFeed } from "../../../../src/core/events/task-feed.ts";
import type { TaskSubscription } from "../../../../src/core/events/task-subscription.ts";
import { createSilentLogger } from "../../../../src/kernel/logger.ts";
import { createManualClock } from "../../../support/manual-clock.ts";
import { createTaskWorld, settled, type TaskWorld } from "./task-world.ts";

/** What makes the feed that is checked: the real one, or one with a planted fault. */
export type CreateFeed = typeof createTaskFeed;

/** A subscriber that notes everything, and what it must have seen in the end. */
interface Reader {
  readonly seen: FeedItem[];
  /** Every event after this position, at least. */
  readonly from: number;
  /** What it may have seen already. */
  readonly notBefore: number;
  readonly taskIds: readonly string[] | undefined;
}

/** @param take what a sink waits for before it gets the next event. Left out: the events are read */
function read(
  feed: TaskFeed,
  from: number,
  after: number | undefined,
  taskIds?: readonly string[],
  take?: () => Promise<unknown> | undefined,
): Reader {
  const seen: FeedItem[] = [];
  const items = feed.subscribe({
    ...(after === undefined ? {} : { after }),
    ...(taskIds === undefined ? {} : { filter: { taskIds } }),
  });
  if (take !== undefined) {
    (items as TaskSubscription).pushTo((item) => {
      seen.push(item);
      return take();
    });
  }
  void (async () => {
    for await (const item of items) {
      seen.push(item);
    }
  })().catch((error: unknown) => {
    // How the feed's stop ends those who still read.
    if ((error as { readonly code?: unknown }).code !== "UNAVAILABLE") {
      throw error;
    }
  });
  return { seen, from, notBefore: after ?? -1, taskIds };
}

const task = fc.nat({ max: 3 });
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("append" as const), task, announced: fc.nat({ max: 2 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("progress" as const), task, count: fc.nat({ max: 100 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("gap" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("subscribe" as const), task: fc.option(task) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("replay" as const),
      back: fc.nat({ max: 12 }),
      task: fc.option(task),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("wait" as const), ticks: fc.nat({ max: 3 }) }) },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** CREATE first, then one attempt after the other. */
function append(world: TaskWorld, n: number): number {
  const { label, attempt } = world.task(n);
  return label === null
    ? world.append(n, "CREATE", { label: "created" })
    : world.append(n, "START", { status: "RUNNING", attempt: attempt + 1 });
}

/** The property that every subscriber gets every later event of its tasks once, in order, though messages are lost or doubled. */
export function everyEventOnce(createFeed: CreateFeed): fc.IRawProperty<unknown> {
  return fc.asyncProperty(
    fc.scheduler(),
    fc.array(step, { maxLength: 40 }),
    fc.integer({ min: 1, max: 4 }),
    async (s, steps, pageSize) => {
      const world = createTaskWorld(async (query) => {
        // The query takes time on its way there, and its answer on the way back.
        await s.schedule(Promise.resolve());
        const answer = query();
        await s.schedule(Promise.resolve());
        return answer;
      });
      const clock = createManualClock();
      const feed = createFeed({ ...world, clock, logger: createSilentLogger() }, { pageSize });
      const started = feed.start();
      await s.waitFor(started);
      const readers: Reader[] = [];
      /** Events are read, pushed to a sink that is quick, and to one that is slow. */
      const ways = [
        undefined,
        (): undefined => undefined,
        (): Promise<unknown> => s.schedule(Promise.resolve()),
      ];
      const add = (from: number, after: number | undefined, of: number | null): void => {
        const taskIds = of === null ? undefined : [world.id(of)];
        readers.push(read(feed, from, after, taskIds, ways[readers.length % ways.length]));
      };
      const all: { readonly position: number; readonly taskId: string }[] = [];
      const head = (): number => all.at(-1)?.position ?? 0;
      const perform: Readonly<Record<Step["do"], (one: Step) => Promise<void> | void>> = {
        append(one) {
          if (one.do === "append") {
            all.push({ position: append(world, one.task), taskId: world.id(one.task) });
            for (let times = 0; times < one.announced; times += 1) {
              world.announce(one.task);
            }
          }
        },
        progress: (one) => (one.do === "progress" ? world.announceProgress(one.task, one.count) : undefined),
        gap: () => world.loseConnection(),
        subscribe(one) {
          if (one.do === "subscribe") {
            add(head(), undefined, one.task);
          }
        },
        replay(one) {
          if (one.do === "replay") {
            const after = all.at(-1 - one.back)?.position ?? 0;
            add(after, after, one.task);
          }
        },
        async wait(one) {
          for (let tick = 0; one.do === "wait" && tick < one.ticks && s.count() > 0; tick += 1) {
            await s.waitOne();
          }
        },
      };
      for (const one of steps) {
        await perform[one.do](one);
      }
      clock.advance(5000);
      for (let quiet = 0; quiet < 2;) {
        await settled();
        quiet = s.count() === 0 ? quiet + 1 : 0;
        await s.waitAll();
      }
      for (const { seen, from, notBefore, taskIds } of readers) {
        const positions = seen
          .filter(({ event }) => event.type !== "PROGRESS")
          .map(({ event }) => event.position);
        expect(positions).toEqual([...new Set(positions)].toSorted((a, b) => a - b));
        expect(positions.every((position) => position > notBefore)).toBe(true);
        const due = all.filter((event) => event.position > from && (taskIds?.includes(event.taskId) ?? true));
        expect(positions.filter((position) => position > from)).toEqual(due.map((event) => event.position));
      }
      await feed.stop();
      expect(world.subscriberCount()).toBe(0);
    },
  );
}

/** What became of subscribers who read nothing while events came. */
export interface SlowReading {
  /** What waited for one, of whose task a hundred reports of progress came. */
  readonly folded: readonly string[];
  /** How the other was ended, for whom eight lifecycle events came and only five may wait. */
  readonly endedWith: unknown;
  /** How many of the eight it had received after it had resumed, by position. */
  readonly received: number;
}

/** Lets two subscribers be slow. */
export async function readSlowly(createFeed: CreateFeed): Promise<SlowReading> {
  const world = createTaskWorld();
  const feed = createFeed(
    { ...world, clock: createManualClock(), logger: createSilentLogger() },
    { maxBufferedEvents: 5 },
  );
  await feed.start();
  const filter = { taskIds: [2, 3, 4, 5].map(world.id) };
  const [first, second] = [feed.subscribe(), feed.subscribe({ filter })];
  world.run(1);
  await settled();
  for (let succeeded = 1; succeeded <= 100; succeeded += 1) {
    world.announceProgress(1, succeeded);
  }
  const { items: folded } = await drain(first);
  await first.return?.();
  [2, 3, 4, 5].forEach((n) => world.run(n));
  await settled();
  const { items, error } = await drain(second);
  const after = (error as { readonly details?: { readonly after: string } } | undefined)?.details?.after;
  const resumed =
    after === undefined ? undefined : await drain(feed.subscribe({ filter, after: decodeCursor(after) }));
  await feed.stop();
  const positions = [...items, ...(resumed?.items ?? [])].map(({ event }) => event.position);
  return {
    folded: folded.map(({ event }) => event.type),
    endedWith: (error as { readonly code?: unknown } | undefined)?.code,
    received: new Set(positions).size,
  };
}

/** Everything that waits for the subscriber, and how it was ended if it was. */
async function drain(
  subscription: AsyncIterator<FeedItem>,
): Promise<{ readonly items: readonly FeedItem[]; readonly error?: unknown }> {
  const items: FeedItem[] = [];
  let error: unknown;
  void (async () => {
    for (let next = await subscription.next(); next.done !== true; next = await subscription.next()) {
      items.push(next.value);
    }
  })().catch((thrown: unknown) => {
    error = thrown;
  });
  await settled();
  return { items: [...items], error };
}
