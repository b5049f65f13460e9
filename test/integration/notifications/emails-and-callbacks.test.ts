import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import type { NotifyRequest, OutgoingNotification, PowerCrud } from "../../../src/index.ts";
import { defineTask } from "../../../src/index.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { MailServer } from "./mail-server.ts";
import { startMailServer } from "./mail-server.ts";
import type { Answer, NotifyFixture } from "./notify-fixture.ts";
import { createNotifyFixture, dataOf, noteCities } from "./notify-fixture.ts";

let fixture: NotifyFixture;
let powercrud: PowerCrud;
let mails: MailServer;
const called: OutgoingNotification[] = [];
let onCall: (notification: OutgoingNotification) => void = () => undefined;

const emailOf = ({ viewer }: NotifyRequest): string | undefined => {
  const email = viewer.claims?.["email"];
  return typeof email === "string" ? email : undefined;
};

const failing = defineTask({
  kind: "failing",
  input: z.object({ text: z.string() }),
  notify: [{ channel: "CALLBACK", target: "record", on: ["FAILED"] }],
  run: ({ input }) => Promise.reject(new Error(input.text)),
});

beforeAll(async () => {
  mails = await startMailServer();
  fixture = await createNotifyFixture();
  powercrud = await fixture.start({
    config: {
      tasks: [failing],
      models: { City: { notify: [{ channel: "EMAIL", target: emailOf }] } },
      notify: {
        default: [{ channel: "CALLBACK", target: "record" }],
        kinds: { bulkDelete: [] },
        email: { from: "Tasks <tasks@example.com>" },
        callbacks: {
          record(notification) {
            onCall(notification);
            called.push(notification);
          },
        },
        isAllowed: ({ notify }) => notify.target !== "victim@example.com",
      },
    },
    settings: {
      // setting: POWERCRUD_SMTP_URL
      smtpUrl: mails.url,
      // setting: POWERCRUD_STATUS_PAGE_URL
      statusPageUrl: "https://app.example.com/tasks?id={id}&tab=1",
      notifyTimeoutMs: 4000,
    },
  });
});
afterAll(async () => {
  await fixture.stop();
  await mails.stop();
});

async function rows(taskId: string): Promise<readonly Answer[]> {
  return fixture.query(
    "SELECT channel, target, status, tries, last_error FROM powercrud.notification WHERE task_id = $1 ORDER BY id",
    [taskId],
  );
}

async function mailTo(target: string, options: Record<string, unknown> = {}): Promise<string> {
  return (await noteCities(powercrud, { notify: [{ channel: "EMAIL", target }], ...options })).task.id;
}

describe("an e-mail", () => {
  it("says in text and HTML how the task ended, with nothing in it taken for markup or a header", async () => {
    const label = "Fix <b>\r\nBcc: all@example.com";
    const taskId = await mailTo("ann@example.com", { label });
    const { to, source } = await mails.arrived("ann@example.com");
    await expect.poll(() => rows(taskId)).toMatchObject([{ status: "SENT", tries: 1 }]);
    const [stored] = await fixture.query("SELECT id FROM powercrud.notification WHERE task_id = $1", [
      taskId,
    ]);
    expect(to).toEqual(["ann@example.com"]);
    const [head = "", ...parts] = source.split("\r\n\r\n");
    const body = parts.join("\n\n").replaceAll("=\r\n", "").replaceAll("=3D", "=");
    // option: notify.email.from
    expect(head).toContain("From: Tasks <tasks@example.com>");
    expect(head).toContain(`Message-ID: <${stored.id}@powercrud>`);
    expect(head).toMatch(/^Subject: =\?UTF-8\?Q\?=22Fix_=3Cb=3E_Bcc=3A_all/m);
    expect(head).not.toMatch(/^Bcc/m);
    expect(body).toContain("2 of 2 records succeeded.");
    expect(body).toContain(`https://app.example.com/tasks?id=${taskId}&tab=1`);
    expect(body).toContain("Fix &lt;b&gt;");
    expect(body).toContain(`<a href="https://app.example.com/tasks?id=${taskId}&amp;tab=1">`);
  });

  it.each([
    ["refuses the address for good", "unknown", 550, "DEAD", /^The mail server answered: 550 no unknown@/],
    ["is out of room", "full", 452, "PENDING", /^The mail could not be handed over: 452 no full@/],
    ["does not answer", "silent", "silence", "PENDING", /was no answer within 4000 ms|[Tt]imeout/],
  ] as const)(
    "is given up, or tried again, when the server %s",
    async (_what, name, reply, status, error) => {
      mails.replies.set(name, reply);
      const taskId = await mailTo(`${name}@example.com`);
      const said = expect.stringMatching(error);
      await expect.poll(() => rows(taskId)).toMatchObject([{ status, tries: 1, last_error: said }]);
      expect((await powercrud.tasks.get(taskId))?.status).toBe("SUCCEEDED");
    },
  );
});

describe("the config", () => {
  it("tells as its rules say: kind before model before default, and the call before all", async () => {
    const ann = { id: "ann", claims: { email: "model-rule@example.com" } };
    // option: models.notify
    const byModel = await noteCities(powercrud, {}, ann);
    expect(await rows(byModel.task.id)).toMatchObject([
      { channel: "EMAIL", target: "model-rule@example.com" },
    ]);
    const withoutAddress = await noteCities(powercrud, {}, { id: "bob" });
    expect(await rows(withoutAddress.task.id)).toEqual([]);
    const silenced = await noteCities(powercrud, { notify: [] }, ann);
    expect(await rows(silenced.task.id)).toEqual([]);
    const remove = `mutation { bulkDeleteCities(selection: {ids: [12]}, options: {mode: SYNC}) {
      ... on TaskLaunched { task { id } } } }`;
    // option: notify.kinds
    const byKind = await dataOf(powercrud, remove, {}, ann);
    expect(await rows(byKind.bulkDeleteCities.task.id)).toEqual([]);
    const country = `mutation { bulkUpdateCountries(
      selection: {ids: ["FR"]}, data: {name: {set: "France"}}, options: {mode: SYNC}
    ) { ... on TaskLaunched { task { id } } ... on Error { message } } }`;
    // option: notify
    // option: notify.default
    const byDefault = await dataOf(powercrud, country, {}, ann);
    expect(await rows(byDefault.bulkUpdateCountries.task.id)).toMatchObject([{ channel: "CALLBACK" }]);
  });

  it("calls its callback with the task and the words, again after it threw", async () => {
    onCall = ({ task }) => {
      // Those of earlier tests may be called only now.
      if (task.kind === failing.kind) {
        onCall = () => undefined;
        throw new Error("not yet");
      }
    };
    // option: tasks
    // option: tasks.notify
    const outcome = await powercrud.tasks.launch(failing, { text: "boom" });
    const taskId = outcome.kind === "LAUNCHED" ? outcome.task.id : "";
    await expect.poll(() => rows(taskId)).toMatchObject([{ status: "PENDING", last_error: "not yet" }]);
    await fixture.query("UPDATE powercrud.notification SET due_at = now() WHERE task_id = $1", [taskId]);
    await fixture.query(`SELECT pg_notify('powercrud_notifications', '1 {}')`);
    await expect.poll(() => rows(taskId)).toMatchObject([{ status: "SENT", tries: 2 }]);
    // option: notify.callbacks
    expect(called.filter(({ task }) => task.id === taskId)).toMatchObject([
      {
        channel: "CALLBACK",
        title: "failing failed",
        text: "boom",
        task: { status: "FAILED", message: "boom" },
      },
    ]);
  });
});

describe("a launch that asks for what cannot be", () => {
  it.each([
    [{ channel: "EMAIL" }, "target", "needs an e-mail address."],
    [{ channel: "EMAIL", target: "a@b.example, c@d.example" }, "target", "is not an e-mail address."],
    [{ channel: "EMAIL", target: "a@b.example\r\nBcc: c@d.example" }, "target", "is not an e-mail address."],
    // option: notify.isAllowed
    [{ channel: "EMAIL", target: "victim@example.com" }, "", "the app's rules for notifications refuse it."],
    [{ channel: "WEBHOOK", target: "https://a.example" }, "channel", "set POWERCRUD_WEBHOOK_SECRET"],
    [{ channel: "CALLBACK", target: "recrod" }, "target", 'no callback "recrod". Known: record.'],
    [{ channel: "IN_APP" }, "channel", "an anonymous caller has no inbox"],
    [{ channel: "STATUS_PAGE", target: "x" }, "target", "a status page has no target"],
    [
      { channel: "EMAIL", target: "a@b.example", on: ["RUNNING"] },
      "on",
      "SUCCEEDED, PARTIAL, FAILED, CANCELLED",
    ],
    [{ channel: "EMAIL", target: "a@b.example", on: [] }, "on", "SUCCEEDED, PARTIAL, FAILED, CANCELLED"],
  ] as const)("is refused, and leaves nothing behind: %j", async (notify, member, message) => {
    const [{ count }] = await fixture.query("SELECT count(*) FROM powercrud.task");
    const field = `options.notify.1${member === "" ? "" : `.${member}`}`;
    const good = { channel: "CALLBACK", target: "record" };
    expect(await noteCities(powercrud, { notify: [good, notify] })).toMatchObject({
      __typename: "ValidationError",
      code: "VALIDATION_FAILED",
      problems: [{ field, message: expect.stringContaining(message) }],
    });
    expect(await fixture.query("SELECT count(*) FROM powercrud.task")).toEqual([{ count }]);
  });

  it("is refused for another viewer's inbox, and for too many", async () => {
    const ann = { id: "ann" };
    const other = await noteCities(powercrud, { notify: [{ channel: "IN_APP", target: "bob" }] }, ann);
    expect(other.problems).toMatchObject([{ field: "options.notify.0.target" }]);
    const notify = Array.from({ length: 21 }, (_, at) => ({ channel: "EMAIL", target: `a${at}@b.example` }));
    expect((await noteCities(powercrud, { notify }, ann)).problems).toMatchObject([
      { field: "options.notify" },
    ]);
  });
});

it("the status page is linked for tasks that ask for it, and for no others", async () => {
  const linked = await noteCities(powercrud, { notify: [{ channel: "STATUS_PAGE" }] });
  expect(linked.task.statusPageUrl).toBe(`https://app.example.com/tasks?id=${linked.task.id}&tab=1`);
  expect(await rows(linked.task.id)).toEqual([]);
  expect((await noteCities(powercrud, {})).task.statusPageUrl).toBeNull();
});

it("mails go to the config's server where the environment names none", async () => {
  const other = await createNotifyFixture();
  onTestFinished(() => other.stop());
  const process = await other.start({
    // option: notify.email.smtpUrl
    config: { notify: { email: { from: "a@b.example", smtpUrl: mails.url } } },
  });
  await noteCities(process, { notify: [{ channel: "EMAIL", target: "config@example.com" }] });
  expect((await mails.arrived("config@example.com")).source).toContain("From: a@b.example");
});

it("a config that cannot be kept is refused at the start, with every fault", async () => {
  const start = fixture.start({
    config: {
      models: { City: { notify: [{ channel: "WEBHOOK", target: "https://a.example" }] } },
      notify: {
        default: [
          { channel: "EMAIL", target: "nobody" },
          { channel: "CALLBACK", target: "tell" },
        ],
        email: { from: "a@b.example", smtpUrl: "http://mail" },
        webhook: {},
      },
    },
  });
  await expect(withDeadline(start, 20_000, "the refusal")).rejects.toMatchObject({
    code: "INVALID_CONFIG",
    details: {
      problems: [
        expect.stringContaining("notify.email.smtpUrl must be"),
        'notify.default[0]: "nobody" is not an e-mail address.',
        expect.stringContaining("notify.default[1]: the config has no callbacks"),
        expect.stringContaining("models.City.notify[0]: webhooks need a secret"),
      ],
    },
  });
});
