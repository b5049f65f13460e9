import type { Notifier, OutgoingNotification, SendOutcome } from "../../core/notifications/notifier.ts";

export interface EmailNotifierOptions {
  /** `smtp://` or `smtps://`, with user and password where the server wants them. */
  readonly smtpUrl: string;
  /** The sender: `Tasks <tasks@example.com>`. */
  readonly from: string;
  /** Time to connect, to be greeted, and between two answers, in ms. */
  readonly timeoutMs: number;
}

/** Sends mails over SMTP, with up to three connections that stay open while there is something to send. */
export function createEmailNotifier(options: EmailNotifierOptions): Notifier {
  let opened: ReturnType<typeof openTransport> | undefined;
  return {
    async send(notification, signal) {
      try {
        const transport = await (opened ??= openTransport(options));
        await transport.sendMail({ ...mailOf(notification, options.from), signal });
        return { kind: "SENT" };
      } catch (error) {
        return outcomeOf(error);
      }
    },
    close: () => void opened?.then((transport) => transport.close()),
  };
}

/** The package is loaded with the first mail: most processes send none. */
async function openTransport({ smtpUrl, timeoutMs }: EmailNotifierOptions) {
  const { createTransport } = await import("nodemailer");
  return createTransport({
    url: smtpUrl,
    pool: true,
    maxConnections: 3,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    // A mail is made of text only; nothing may read files or addresses into it.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

function mailOf(notification: OutgoingNotification, from: string) {
  const { id, target, title, text, statusPageUrl, task } = notification;
  const lines = [
    ...(text === "" ? [] : [text]),
    `Task ${task.id} (${task.kind}) ended at ${task.finishedAt?.toISOString() ?? "an unknown time"}.`,
  ];
  return {
    from,
    // As an object, so that nothing in it is read as a second address.
    to: { name: "", address: target },
    subject: title,
    // The same for every try, so that mail programs know a repeat.
    messageId: `<${id}@powercrud>`,
    headers: { "Auto-Submitted": "auto-generated", "X-Notification-Id": id },
    text: [title, ...lines, ...(statusPageUrl === null ? [] : [statusPageUrl])].join("\n\n"),
    html: [
      `<p><strong>${escapeHtml(title)}</strong></p>`,
      ...lines.map((line) => `<p>${escapeHtml(line)}</p>`),
      ...(statusPageUrl === null ? [] : [`<p><a href="${escapeHtml(statusPageUrl)}">Show the task</a></p>`]),
    ].join("\n"),
  };
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** A server that does not let us in may do so once it is set right; one that refuses a mail for good will refuse it again. */
function outcomeOf(error: unknown): SendOutcome {
  const { code, permanent, message, response } = error as {
    readonly code?: string;
    readonly permanent?: boolean;
    readonly message?: string;
    readonly response?: string;
  };
  const text = response ?? message ?? String(error);
  return code !== "EAUTH" && permanent === true
    ? { kind: "REFUSED", error: `The mail server answered: ${text}` }
    : { kind: "FAILED", error: `The mail could not be handed over: ${text}` };
}
