import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createWebhookNotifier } from "../../../src/adapters/notify/webhook-notifier.ts";
import type { OutgoingNotification } from "../../../src/core/notifications/notifier.ts";
import { createSystemClock } from "../../../src/kernel/clock.ts";
import { WEBHOOK_SECRET } from "./webhook-receiver.ts";

let requests = 0;
const server = createServer((_request, response) => {
  requests += 1;
  response.end();
});
let port = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => new Promise((resolve) => void server.close(resolve)));

function send(target: string, isPrivateAllowed = false) {
  const notifier = createWebhookNotifier({
    secret: WEBHOOK_SECRET,
    isPrivateAllowed,
    clock: createSystemClock(),
  });
  const task = { id: "t", status: "SUCCEEDED", progress: {}, viewer: { id: null } };
  const notification = { id: "n", target, task, createdAt: new Date() };
  return notifier.send(notification as unknown as OutgoingNotification, AbortSignal.timeout(5000));
}

it.each([
  "127.0.0.1",
  "127.1",
  "2130706433",
  "0x7f000001",
  "0177.0.0.1",
  "127.255.255.254",
  "localhost",
  "LOCALHOST",
  "0.0.0.0",
  "0",
  "[::1]",
  "[::]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "10.0.0.1",
  "172.16.0.1",
  "192.168.1.1",
  "169.254.169.254",
  "100.64.0.1",
  "[fe80::1]",
  "[fc00::1]",
])("a webhook to %s is refused, and nothing is connected to", async (host) => {
  const before = requests;
  expect(await send(`http://${host}:${port}/`)).toEqual({
    kind: "REFUSED",
    error: "The address is private, loopback or link-local; see notify.webhook.isPrivateAllowed.",
  });
  expect(await send(`https://${host}:${port}/`)).toMatchObject({ kind: "REFUSED" });
  expect(requests).toBe(before);
});

it("is sent there where the config allows private addresses", async () => {
  expect(await send(`http://localhost:${port}/`, true)).toEqual({ kind: "SENT" });
  expect(requests).toBe(1);
});
