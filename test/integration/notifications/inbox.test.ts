import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PowerCrud, Viewer } from "../../../src/index.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { Answer, NotifyFixture } from "./notify-fixture.ts";
import { createNotifyFixture, dataOf, noteCities, subscriptionOf } from "./notify-fixture.ts";

const IN_APP = { notify: [{ channel: "IN_APP" }] };
const ADDED = `subscription { notificationAdded { id title readAt task { id status } } }`;

/** A new viewer, with an empty inbox. */
let viewers = 0;
function viewer(): Viewer {
  viewers += 1;
  return { id: `viewer ${viewers}` };
}

async function inboxOf(powercrud: PowerCrud, who: Viewer, args = "first: 100"): Promise<Answer> {
  const source = `{ notifications(${args}) {
    nodes { id title text readAt createdAt task { id label } } totalCount unreadCount pageInfo { hasNextPage endCursor }
  } }`;
  return (await dataOf(powercrud, source, {}, who)).notifications;
}

async function nextOf(results: AsyncIterableIterator<Answer>): Promise<Answer> {
  const { value } = await withDeadline(results.next(), 10_000, "a notification");
  return value.data.notificationAdded;
}

describe.each([
  { name: "postgres", isRedis: false },
  { name: "redis", isRedis: true },
])("in-app notifications, with queue and bus in $name", ({ isRedis }) => {
  let fixture: NotifyFixture;
  let launcher: PowerCrud;
  /** Serves, and runs no task. */
  let api: PowerCrud;
  beforeAll(async () => {
    fixture = await createNotifyFixture({ isRedis });
    launcher = await fixture.start();
    api = await fixture.start({ role: "serve" });
  });
  afterAll(() => fixture.stop());

  it("reach the viewer's own subscribers in another process, each once, and nobody else", async () => {
    const [ann, bob] = [viewer(), viewer()];
    const results = await subscriptionOf(api, ADDED, ann);
    const others = await subscriptionOf(api, ADDED, bob);
    const first = nextOf(results);
    const launched = await noteCities(launcher, { ...IN_APP, label: "first" }, ann);
    expect(await first).toMatchObject({
      title: '"first" succeeded',
      readAt: null,
      task: { id: launched.task.id, status: "SUCCEEDED" },
    });
    await noteCities(launcher, { ...IN_APP, label: "Bob's" }, bob);
    await noteCities(launcher, { ...IN_APP, label: "second", mode: "ASYNC" }, ann);
    expect(await nextOf(results)).toMatchObject({ title: '"second" succeeded' });
    expect(await nextOf(others)).toMatchObject({ title: `"Bob's" succeeded` });
    await results.return?.();
    await others.return?.();
  });

  it("that come while nobody subscribes are in the inbox, and are not handed out again", async () => {
    const ann = viewer();
    await noteCities(launcher, { ...IN_APP, label: "missed" }, ann);
    await fixture.query(
      `UPDATE powercrud.notification SET created_at = created_at - interval '10 s', id = powercrud.create_id(created_at - interval '10 s')
         WHERE target = $1`,
      [ann.id],
    );
    const results = await subscriptionOf(api, ADDED, ann);
    const next = nextOf(results);
    expect((await inboxOf(api, ann)).nodes).toMatchObject([{ title: '"missed" succeeded' }]);
    await noteCities(launcher, { ...IN_APP, label: "live" }, ann);
    expect(await next).toMatchObject({ title: '"live" succeeded' });
    await results.return?.();
  });
});

describe("the inbox", () => {
  let fixture: NotifyFixture;
  let powercrud: PowerCrud;
  beforeAll(async () => {
    fixture = await createNotifyFixture();
    powercrud = await fixture.start();
  });
  afterAll(() => fixture.stop());

  it("has the viewer's own, the newest first, in pages that miss and repeat nothing", async () => {
    const [ann, bob] = [viewer(), viewer()];
    for (const label of ["1", "2", "3", "4", "5"]) {
      await noteCities(powercrud, { ...IN_APP, label }, ann);
    }
    await noteCities(powercrud, { ...IN_APP, label: "Bob's" }, bob);
    const first = await inboxOf(powercrud, ann, "first: 2");
    expect(first).toMatchObject({
      nodes: [{ task: { label: "5" } }, { task: { label: "4" } }],
      totalCount: 5,
      unreadCount: 5,
      pageInfo: { hasNextPage: true },
    });
    await noteCities(powercrud, { ...IN_APP, label: "6" }, ann);
    const after = JSON.stringify(first.pageInfo.endCursor);
    const second = await inboxOf(powercrud, ann, `first: 10, after: ${after}`);
    expect(second.nodes.map(({ task }: Answer) => task.label)).toEqual(["3", "2", "1"]);
    expect(second.pageInfo.hasNextPage).toBe(false);
    const last = await inboxOf(powercrud, ann, "last: 2");
    expect(last.nodes.map(({ task }: Answer) => task.label)).toEqual(["2", "1"]);
    expect((await inboxOf(powercrud, bob)).nodes).toHaveLength(1);
    expect(await inboxOf(powercrud, { id: null })).toMatchObject({
      nodes: [],
      totalCount: 0,
      unreadCount: 0,
    });
  });

  it("keeps the time of the first mark, and marks no other viewer's", async () => {
    const [ann, bob] = [viewer(), viewer()];
    await noteCities(powercrud, { ...IN_APP, label: "a" }, ann);
    await noteCities(powercrud, { ...IN_APP, label: "b" }, ann);
    const { nodes } = await inboxOf(powercrud, ann);
    const mark = async (id: string, who: Viewer): Promise<Answer> =>
      (
        await dataOf(
          powercrud,
          `mutation ($id: ID!) { markNotificationRead(id: $id) {
            __typename ... on NotificationMarked { notification { id readAt } } ... on Error { code message } } }`,
          { id },
          who,
        )
      ).markNotificationRead;
    const marked = await mark(nodes[0].id, ann);
    expect(marked).toMatchObject({ __typename: "NotificationMarked", notification: { id: nodes[0].id } });
    expect(await mark(nodes[0].id, ann)).toEqual(marked);
    for (const [id, who] of [
      [nodes[1].id, bob],
      [nodes[1].id, { id: null }],
      ["nonsense", ann],
    ] as const) {
      expect(await mark(id, who)).toMatchObject({ __typename: "NotFoundError", code: "NOT_FOUND" });
    }
    expect(await inboxOf(powercrud, ann, "isUnread: true")).toMatchObject({
      nodes: [{ id: nodes[1].id }],
      totalCount: 1,
      unreadCount: 1,
    });
    const markAll = `mutation { markAllNotificationsRead }`;
    expect(await dataOf(powercrud, markAll, {}, ann)).toEqual({ markAllNotificationsRead: 1 });
    expect(await dataOf(powercrud, markAll, {}, ann)).toEqual({ markAllNotificationsRead: 0 });
    expect((await inboxOf(powercrud, ann)).unreadCount).toBe(0);
  });

  it("is deleted with its tasks", async () => {
    const ann = viewer();
    await noteCities(powercrud, IN_APP, ann);
    await fixture.query("DELETE FROM powercrud.task WHERE created_by = $1", [ann.id]);
    expect((await inboxOf(powercrud, ann)).totalCount).toBe(0);
  });

  it("gets only the endings that were asked for", async () => {
    const ann = viewer();
    await noteCities(powercrud, { notify: [{ channel: "IN_APP", on: ["FAILED", "PARTIAL"] }] }, ann);
    await noteCities(powercrud, { notify: [{ channel: "IN_APP", on: ["SUCCEEDED"] }] }, ann);
    expect((await inboxOf(powercrud, ann)).totalCount).toBe(1);
  });

  it("refuses an anonymous subscriber", async () => {
    await expect(subscriptionOf(powercrud, ADDED)).rejects.toThrow("An anonymous caller has no inbox.");
  });
});
