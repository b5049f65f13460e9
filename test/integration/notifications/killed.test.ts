import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { withDeadline } from "../../support/deadline.ts";
import type { Answer, NotifyFixture } from "./notify-fixture.ts";
import { createNotifyFixture, noteCities } from "./notify-fixture.ts";
import type { WebhookReceiver } from "./webhook-receiver.ts";
import { startWebhookReceiver, WEBHOOK_SECRET } from "./webhook-receiver.ts";

const PROCESS = join(import.meta.dirname, "killed-process.ts");

let fixture: NotifyFixture;
let receiver: WebhookReceiver;
beforeAll(async () => {
  receiver = await startWebhookReceiver();
  fixture = await createNotifyFixture();
});
afterAll(async () => {
  await fixture.stop();
  await receiver.stop();
});

const start = () =>
  fixture.start({
    config: { notify: { webhook: { secret: WEBHOOK_SECRET, isPrivateAllowed: true } } },
    settings: { leaseMs: 1000, notifyTimeoutMs: 1000 },
  });

/** Starts a process that launches a task and has the receiver told. @returns its exit, and how to kill it */
function startProcess(path: string, end: "dies" | "lives") {
  const child = fork(PROCESS, [fixture.databaseUrl, `${receiver.url}${path}`, end], {
    execArgv: ["--import", "tsx"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return { exit: withDeadline(once(child, "exit"), 60_000, "the end"), kill: () => child.kill("SIGKILL") };
}

async function rows(): Promise<Answer[]> {
  return fixture.query(`SELECT n.*, t.status AS task_status FROM powercrud.notification n
    JOIN powercrud.task t ON t.id = n.task_id ORDER BY n.id`);
}

it("a process that is killed between settlement and sending loses no notification", async () => {
  const { exit } = startProcess("/after-settlement", "dies");
  expect(await exit).toEqual([null, "SIGKILL"]);
  expect(await rows()).toMatchObject([{ status: "PENDING", task_status: "SUCCEEDED" }]);
  expect(receiver.received).toEqual([]);
  const other = await start();
  await receiver.arrived("/after-settlement");
  await expect.poll(rows).toMatchObject([{ status: "SENT" }]);
  await other.stop();
});

it("a notification whose process is killed while it sends is sent again by another, under the same id", async () => {
  await fixture.query("DELETE FROM powercrud.task");
  const { exit, kill } = startProcess("/while-sending", "lives");
  receiver.respond(() => void kill());
  expect(await exit).toEqual([null, "SIGKILL"]);
  expect(await rows()).toMatchObject([{ status: "PENDING", tries: 1 }]);
  receiver.respond((_one, answer) => answer(200));
  await start();
  const both = await receiver.arrived("/while-sending", 2);
  expect(new Set(both.map(({ id }) => id)).size).toBe(1);
  await expect.poll(rows).toMatchObject([{ status: "SENT", tries: 2 }]);
});

it("a notification that no sender has heard of is found by the sweeper", async () => {
  await fixture.query("DELETE FROM powercrud.task");
  const api = await fixture.start({ role: "serve" });
  const { task } = await noteCities(api, {});
  await fixture.query(
    `INSERT INTO powercrud.notification (id, task_id, channel, target, status, due_at, created_at)
     VALUES (powercrud.create_id(now()), $1, 'WEBHOOK', $2, 'PENDING', now() - interval '1 minute', now())`,
    [task.id, `${receiver.url}/unheard`],
  );
  await receiver.arrived("/unheard");
  await expect.poll(rows).toMatchObject([{ status: "SENT", tries: 1 }]);
});
