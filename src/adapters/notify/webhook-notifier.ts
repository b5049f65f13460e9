import { request as requestHttp } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import type { Clock } from "../../kernel/clock.ts";
import type { Notifier, OutgoingNotification, SendOutcome } from "../../core/notifications/notifier.ts";
import type { FinalStatus } from "../../core/tasks/task-status.ts";

export interface WebhookNotifierOptions {
  /** `whsec_` and base64; see isWebhookSecret. */
  readonly secret: string;
  /** Whether addresses that only machines of the same network reach are allowed. */
  readonly isPrivateAllowed: boolean;
  readonly clock: Clock;
}

/** The type of the event in the body, by how the task ended. */
const EVENT_TYPES: Readonly<Record<FinalStatus, string>> = {
  SUCCEEDED: "task.completed",
  PARTIAL: "task.completed",
  FAILED: "task.failed",
  CANCELLED: "task.cancelled",
};

/** The most of a refusal's answer that is kept, in bytes. Nothing more is read. */
const MAX_ANSWER_BYTES = 200;

/**
 * Posts JSON, signed as Standard Webhooks 1 says (standardwebhooks.com). Follows no redirect. Every address that the host's
 * name resolves to is looked at before a connection is made, by the connection itself, so that a name cannot change its
 * address in between.
 */
export function createWebhookNotifier(options: WebhookNotifierOptions): Notifier {
  return {
    async send(notification, signal) {
      // Loaded with the first webhook: most processes send none.
      const { Webhook } = await import("standardwebhooks");
      const webhook = new Webhook(options.secret);
      const now = options.clock.now();
      const body = JSON.stringify(bodyOf(notification));
      const headers = {
        "content-type": "application/json",
        "content-length": String(Buffer.byteLength(body)),
        "user-agent": "powercrud-graphql",
        "webhook-id": notification.id,
        "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
        "webhook-signature": webhook.sign(notification.id, now, body),
      };
      return outcomeOf(await post(notification.target, { body, headers, signal, ...options }), now);
    },
    close: () => undefined,
  };
}

function bodyOf({ task, createdAt, title, text, statusPageUrl }: OutgoingNotification): object {
  const { id, kind, model, label, status, message, isDryRun, progress, viewer, startedAt, finishedAt } = task;
  const { total, succeeded, failed, skipped } = progress;
  return {
    type: EVENT_TYPES[status as FinalStatus],
    timestamp: createdAt.toISOString(),
    data: {
      task: {
        id,
        kind,
        model,
        label,
        status,
        message,
        isDryRun,
        createdBy: viewer.id,
        counts: { total, succeeded, failed, skipped },
        createdAt: task.createdAt,
        startedAt,
        finishedAt,
      },
      title,
      text,
      statusPageUrl,
    },
  };
}

/** An answer without its body, but for the beginning of a refusal's. */
interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

interface Post {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly isPrivateAllowed: boolean;
}

async function post(
  url: string,
  { body, headers, signal, isPrivateAllowed }: Post,
): Promise<Answer | Blocked> {
  const { useAgent: agentFor } = await import("request-filtering-agent");
  const request = new URL(url).protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method: "POST",
        headers,
        signal,
        // A connection of its own for each, since most are hours apart.
        agent: agentFor(url, {
          keepAlive: false,
          allowPrivateIPAddress: isPrivateAllowed,
          allowMetaIPAddress: isPrivateAllowed,
        }),
      },
      (response) => {
        const { statusCode = 0, headers: answered } = response;
        const answer = readBeginning(response).then((text) => ({
          status: statusCode,
          retryAfter: answered["retry-after"],
          text,
        }));
        // The rest of the answer is not read.
        resolve(answer.finally(() => sent.destroy()));
      },
    );
    sent.on("error", (error) => (isBlocked(error) ? resolve({ isBlocked: true }) : reject(error)));
    sent.end(body);
  });
}

interface Blocked {
  readonly isBlocked: true;
}

/** The agent gives its errors no code. */
function isBlocked(error: Error): boolean {
  return / is not allowed\. Because,? It is /.test(error.message);
}

async function readBeginning(response: IncomingMessage): Promise<string> {
  if (isAccepted(response.statusCode ?? 0)) {
    return "";
  }
  let text = "";
  for await (const bytes of response) {
    text += String(bytes);
    if (text.length >= MAX_ANSWER_BYTES) {
      break;
    }
  }
  return text.slice(0, MAX_ANSWER_BYTES);
}

function isAccepted(status: number): boolean {
  return status >= 200 && status < 300;
}

function outcomeOf(answer: Answer | Blocked, now: Date): SendOutcome {
  if ("isBlocked" in answer) {
    return {
      kind: "REFUSED",
      error: "The address is private, loopback or link-local; see notify.webhook.isPrivateAllowed.",
    };
  }
  const { status, text, retryAfter } = answer;
  if (isAccepted(status)) {
    return { kind: "SENT" };
  }
  const error = `The receiver answered ${status}${text === "" ? "." : `: ${text}`}`;
  if (status === 410) {
    // Gone: the receiver wants no more.
    return { kind: "REFUSED", error };
  }
  const waitMs = waitOf(retryAfter, now);
  return { kind: "FAILED", error, ...(waitMs === undefined ? {} : { waitMs }) };
}

/** Seconds, or a date. */
function waitOf(retryAfter: string | undefined, now: Date): number | undefined {
  if (retryAfter === undefined) {
    return undefined;
  }
  const ms = /^\d{1,9}$/.test(retryAfter)
    ? Number(retryAfter) * 1000
    : Date.parse(retryAfter) - now.getTime();
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}
