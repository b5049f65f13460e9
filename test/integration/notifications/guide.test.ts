import { readFile, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse } from "graphql";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { PowerCrud, PowerCrudConfig } from "../../../src/index.ts";
import { codeBlocks } from "../../support/markdown-code.ts";
import { createTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";
import type { NotifyFixture } from "./notify-fixture.ts";
import { createNotifyFixture, dataOf, noteCities, subscriptionOf } from "./notify-fixture.ts";
import { WEBHOOK_SECRET } from "./webhook-receiver.ts";

const ROOT = join(import.meta.dirname, "../../..");
const guide = await readFile(join(ROOT, "docs/notifications.md"), "utf8");
const [configCode = "", receiverCode = ""] = codeBlocks(guide, "ts");
const [launch = "", inbox = "", added = ""] = codeBlocks(guide, "graphql");

let folder: TemporaryFolder;
let fixture: NotifyFixture;
let powercrud: PowerCrud;
let receiver: Server;
const log = vi.spyOn(console, "log").mockImplementation(() => undefined);

/** What a snippet exports. */
async function run(name: string, code: string): Promise<Record<string, unknown>> {
  const path = join(folder.path, name);
  const inRoot = (file: string): string => pathToFileURL(join(ROOT, file)).href;
  const imports = {
    "./generated/powercrud.ts": inRoot("src/generated/powercrud.ts"),
    "powercrud-graphql": inRoot("src/index.ts"),
    standardwebhooks: import.meta.resolve("standardwebhooks"),
  };
  const linked = Object.entries(imports).reduce(
    (text, [specifier, url]) => text.replace(`from "${specifier}"`, `from "${url}"`),
    code,
  );
  await writeFile(path, linked);
  return (await import(path)) as Record<string, unknown>;
}

beforeAll(async () => {
  folder = await createTemporaryFolder("guide");
  vi.stubEnv("POWERCRUD_WEBHOOK_SECRET", WEBHOOK_SECRET);
  receiver = (await run("receiver.ts", receiverCode))["receiver"] as Server;
  await new Promise<void>((resolve) => void receiver.listen(0, "127.0.0.1", resolve));
  const config = (await run("config.ts", configCode))["default"] as PowerCrudConfig;
  fixture = await createNotifyFixture();
  powercrud = await fixture.start({
    config: {
      ...config,
      notify: { ...config.notify, webhook: { isPrivateAllowed: true } },
    },
    // setting: POWERCRUD_WEBHOOK_SECRET
    settings: { webhookSecret: WEBHOOK_SECRET, smtpUrl: "smtp://127.0.0.1:1" },
  });
});
afterAll(async () => {
  await fixture.stop();
  await new Promise((resolve) => void receiver.close(resolve));
  await folder.remove();
  vi.unstubAllEnvs();
  log.mockRestore();
});

it("the guide's launch, list and subscription work as they stand", async () => {
  const ann = { id: "ann" };
  const results = await subscriptionOf(powercrud, added, ann);
  const next = results.next();
  const { bulkUpdateCities } = await dataOf(powercrud, launch, {}, ann);
  expect(bulkUpdateCities).toMatchObject({ __typename: "TaskLaunched" });
  expect((await next).value.data.notificationAdded).toMatchObject({ task: { id: bulkUpdateCities.task.id } });
  expect((await dataOf(powercrud, inbox, {}, ann)).notifications).toMatchObject({
    nodes: [{ title: "bulkUpdate of City succeeded" }],
    unreadCount: 1,
  });
  await results.return?.();
  expect([launch, inbox, added].map((text) => parse(text).definitions.length)).toEqual([1, 1, 1]);
});

it("the guide's rules, callback and receiver do what it says", async () => {
  const ann = { id: "ann", claims: { email: "ann@example.com" } };
  const channels = async (id: string) =>
    (await fixture.query("SELECT channel, target FROM powercrud.notification WHERE task_id = $1", [id])).map(
      ({ channel, target }) => `${channel} ${target}`,
    );
  expect(await channels((await noteCities(powercrud, {}, ann)).task.id)).toEqual(["EMAIL ann@example.com"]);
  const refused = await noteCities(
    powercrud,
    { notify: [{ channel: "EMAIL", target: "eve@evil.example" }] },
    ann,
  );
  expect(refused.__typename).toBe("ValidationError");
  const { port } = receiver.address() as AddressInfo;
  const notify = [
    { channel: "WEBHOOK", target: `http://127.0.0.1:${port}/` },
    { channel: "CALLBACK", target: "audit" },
  ];
  const { task } = await noteCities(powercrud, { notify }, ann);
  const statuses = () =>
    fixture.query("SELECT DISTINCT status FROM powercrud.notification WHERE task_id = $1", [task.id]);
  await expect.poll(statuses).toEqual([{ status: "SENT" }]);
  const logged = log.mock.calls.map((parts) => JSON.stringify(parts));
  expect(logged.find((line) => line.includes('"task.completed"'))).toContain(task.id);
  expect(logged.find((line) => line.endsWith(',"ann"]'))).toContain("bulkUpdate of City succeeded");
});
