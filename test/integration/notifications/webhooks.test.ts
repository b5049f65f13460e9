import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NotificationsOptions } from "../../../src/cli/commands/notifications.ts";
import { answerNotifications } from "../../../src/cli/commands/notifications.ts";
import { completeConfig } from "../../../src/config/config.ts";
import type { PowerCrud } from "../../../src/index.ts";
import { createSilentLogger } from "../../../src/index.ts";
import type { Answer, NotifyFixture } from "./notify-fixture.ts";
import { createNotifyFixture, dataOf, noteCities } from "./notify-fixture.ts";
import type { WebhookReceiver } from "./webhook-receiver.ts";
import { startWebhookReceiver, WEBHOOK_SECRET } from "./webhook-receiver.ts";

let fixture: NotifyFixture;
let powercrud: PowerCrud;
let receiver: WebhookReceiver;

beforeAll(async () => {
  receiver = await startWebhookReceiver();
  fixture = await createNotifyFixture();
  powercrud = await fixture.start({
    // option: notify.webhook.secret
    // option: notify.webhook.isPrivateAllowed
    config: { notify: { webhook: { secret: WEBHOOK_SECRET, isPrivateAllowed: true } } },
    settings: {
      statusPageUrl: "https://app.example.com/tasks/{id}",
      // setting: POWERCRUD_NOTIFY_TIMEOUT_MS
      notifyTimeoutMs: 1000,
      // setting: POWERCRUD_NOTIFY_MAX_TRIES
      notifyMaxTries: 3,
    },
  });
});
afterAll(async () => {
  await fixture.stop();
  await receiver.stop();
});

const ANN = { id: "ann" };

/** Launches a task that tells the receiver. @returns the task's id */
async function tell(path: string, options: Record<string, unknown> = {}, ids = ["1", "2"]): Promise<string> {
  const notify = [{ channel: "WEBHOOK", target: `${receiver.url}${path}` }];
  return (await noteCities(powercrud, { notify, ...options }, ANN, ids)).task.id;
}

async function row(taskId: string): Promise<Answer> {
  const [found] = await fixture.query("SELECT * FROM powercrud.notification WHERE task_id = $1", [taskId]);
  return found;
}

/** Makes the next try due, and wakes the sender as the sweeper does. */
async function hurry(taskId: string): Promise<void> {
  await fixture.query("UPDATE powercrud.notification SET due_at = now() WHERE task_id = $1", [taskId]);
  await fixture.query(`SELECT pg_notify('powercrud_notifications', '1 {"isInbox":false,"isOutbox":true}')`);
}

/** The lines that `powercrud notifications` prints. */
function command(options: NotificationsOptions): Promise<readonly string[]> {
  const address = {
    databaseUrl: fixture.databaseUrl,
    config: completeConfig({ backend: "postgres" }),
    logger: createSilentLogger(),
  };
  return answerNotifications(address, options);
}

const settled = (taskId: string, status: string): Promise<void> =>
  expect.poll(async () => (await row(taskId)).status).toBe(status);

describe("a webhook", () => {
  it("is posted once, signed as Standard Webhooks says", async () => {
    const taskId = await tell("/once", { label: "fix" });
    const [one, ...more] = await receiver.arrived("/once");
    await settled(taskId, "SENT");
    expect(more).toEqual([]);
    const stored = await row(taskId);
    expect(one?.headers).toMatchObject({ "webhook-id": stored.id, "content-type": "application/json" });
    expect(one?.body).toEqual({
      type: "task.completed",
      timestamp: stored.created_at.toISOString(),
      data: {
        task: expect.objectContaining({
          id: taskId,
          kind: "bulkUpdate",
          model: "City",
          label: "fix",
          status: "SUCCEEDED",
          createdBy: "ann",
          counts: { total: 2, succeeded: 2, failed: 0, skipped: 0 },
        }),
        title: '"fix" succeeded',
        text: "2 of 2 records succeeded.",
        statusPageUrl: `https://app.example.com/tasks/${taskId}`,
      },
    });
    expect(stored).toMatchObject({ tries: 1, last_error: null, sent_at: expect.any(Date) });
  });

  it("that was refused is tried again later, with the same id and a new signature", async () => {
    let answers = 0;
    receiver.respond((_one, answer) => {
      answers += 1;
      answer(answers === 1 ? 500 : 200, {}, "x".repeat(100_000));
    });
    const taskId = await tell("/again");
    await expect
      .poll(async () => (await row(taskId)).last_error)
      .toMatch(/^The receiver answered 500: x{1,200}$/);
    const { due_at: dueAt, created_at: createdAt } = await row(taskId);
    expect(dueAt - createdAt).toBeGreaterThan(7000);
    expect(dueAt - createdAt).toBeLessThan(20_000);
    await hurry(taskId);
    const both = await receiver.arrived("/again", 2);
    await settled(taskId, "SENT");
    expect(new Set(both.map(({ id }) => id)).size).toBe(1);
  });

  it("is dead after the limit, listed for its launcher, and can be tried again", async () => {
    receiver.respond((_one, answer) => answer(503, { "retry-after": "3600" }));
    const taskId = await tell("/dead");
    for (const tries of [1, 2, 3]) {
      await receiver.arrived("/dead", tries);
      // While it is sent it is due in a few seconds; once it is refused, in an hour, as the receiver wants it.
      const isRefused = async (): Promise<boolean> =>
        (await row(taskId)).due_at.getTime() > Date.now() + 3_500_000;
      await expect
        .poll(async () => (tries < 3 ? isRefused() : (await row(taskId)).status === "DEAD"))
        .toBe(true);
      expect((await row(taskId)).last_error).toBe("The receiver answered 503.");
      if (tries < 3) {
        await hurry(taskId);
      }
    }
    const DEAD = `{ deadNotifications(first: 10) {
      nodes { id channel target title tries error task { id } } totalCount
    } }`;
    const { deadNotifications } = await dataOf(powercrud, DEAD, {}, ANN);
    expect(deadNotifications).toMatchObject({
      nodes: [
        {
          channel: "WEBHOOK",
          target: `${receiver.url}/dead`,
          title: "bulkUpdate of City succeeded",
          tries: 3,
          error: "The receiver answered 503.",
          task: { id: taskId },
        },
      ],
      totalCount: 1,
    });
    for (const other of [{ id: "bob" }, { id: null }]) {
      expect((await dataOf(powercrud, DEAD, {}, other)).deadNotifications).toEqual({
        nodes: [],
        totalCount: 0,
      });
    }
    const health = await powercrud.health.read();
    expect(health.checks.find(({ name }) => name === "notifications")).toMatchObject({
      status: "WARNING",
      message: expect.stringContaining("1 notification could not be sent"),
    });
    const { id } = deadNotifications.nodes[0];
    expect(await command({})).toEqual([
      "1 notification could not be sent:",
      `${id}  WEBHOOK to ${receiver.url}/dead, of task ${taskId}, after 3 tries: The receiver answered 503.`,
    ]);
    expect(JSON.parse((await command({ json: true })).join())).toMatchObject({ count: 1, dead: [{ id }] });
    receiver.respond((_one, answer) => answer(200));
    const RETRY = `mutation ($id: ID!) { retryNotification(id: $id) {
      __typename ... on NotificationRetried { notificationId } ... on Error { code }
    } }`;
    expect((await dataOf(powercrud, RETRY, { id }, { id: "bob" })).retryNotification).toMatchObject({
      code: "NOT_FOUND",
    });
    expect((await dataOf(powercrud, RETRY, { id }, ANN)).retryNotification).toMatchObject({
      notificationId: id,
    });
    await settled(taskId, "SENT");
    expect((await dataOf(powercrud, RETRY, { id }, ANN)).retryNotification).toMatchObject({
      code: "NOT_FOUND",
    });
  });

  it("to a receiver that is gone is not tried again", async () => {
    receiver.respond((_one, answer) => answer(410));
    const taskId = await tell("/gone");
    await settled(taskId, "DEAD");
    const { id, ...stored } = await row(taskId);
    expect(stored).toMatchObject({ tries: 1, last_error: "The receiver answered 410." });
    receiver.respond((_one, answer) => answer(200));
    const retried = await command({ retry: [id, taskId] });
    expect(retried).toEqual(["tried again: 1", `  ${id}`, `not dead, or not there: ${taskId}`]);
    await settled(taskId, "SENT");
    expect(await command({ retryAll: true })).toEqual(["tried again: 0"]);
    expect(await command({})).toEqual(["No notification was given up."]);
  });

  it("follows no redirect", async () => {
    receiver.respond((_one, answer) => answer(302, { location: `${receiver.url}/elsewhere` }));
    const taskId = await tell("/moved");
    await expect.poll(async () => (await row(taskId)).last_error).toBe("The receiver answered 302.");
    expect(receiver.received.filter(({ path }) => path === "/elsewhere")).toEqual([]);
  });

  it("that is not answered in time holds nothing up, and is tried again", async () => {
    receiver.respond(({ path }, answer) => (path === "/slow" ? undefined : answer(200)));
    const slow = await tell("/slow");
    const quick = await tell("/quick");
    await settled(quick, "SENT");
    await expect.poll(async () => (await row(slow)).last_error).toBe("There was no answer within 1000 ms.");
    expect(await row(slow)).toMatchObject({ status: "PENDING" });
  });

  it("to a receiver that never stops answering is sent, and no more is read", async () => {
    receiver.respond((_one, answer) => answer(200, {}, "x".repeat(50_000_000)));
    const taskId = await tell("/flood");
    await expect.poll(async () => (await row(taskId)).status).toBe("SENT");
  });

  it("says how the task ended", async () => {
    receiver.respond((_one, answer) => answer(200));
    await tell("/failed", {}, ["99"]);
    const [one] = await receiver.arrived("/failed");
    expect(one?.body).toMatchObject({
      type: "task.completed",
      data: { task: { status: "SUCCEEDED", counts: { total: 1, succeeded: 0, skipped: 1 } } },
    });
  });
});
