import type { MembersOf, MembersShape } from "../../kernel/shape.ts";
import type { Notify, NotifyRequest, NotifyRule } from "../tasks/notify.ts";
import { NOTIFY_RULES_SHAPE } from "../tasks/notify.ts";
import type { OutgoingNotification } from "./notifier.ts";

/**
 * A function of the app that is told how a task ended. Called in a worker, at least once for each notification. What it throws
 * has it called again later, as the schedule of tries says.
 * @param context.signal aborts when its time is over, or the process stops
 */
export type NotifyCallback = (
  notification: OutgoingNotification,
  context: { readonly signal: AbortSignal },
) => void | Promise<void>;

/** What a config says of notifications; all may be left out. */
export interface NotifyConfig {
  /** Whom to tell of tasks whose kind, model and launch do not say. Default: nobody. */
  readonly default?: readonly NotifyRule[];
  /** Whom to tell of bulk operations, by kind: `bulkUpdate`. An app's own task says it in its definition. */
  readonly kinds?: Readonly<Record<string, readonly NotifyRule[]>>;
  readonly email?: {
    /** The mail server: `smtps://user:password@host`. `POWERCRUD_SMTP_URL` wins. */
    readonly smtpUrl?: string;
    /** The sender's address: `Tasks <tasks@example.com>`. */
    readonly from: string;
  };
  readonly webhook?: {
    /** Signs webhooks, as Standard Webhooks wants it: `whsec_` and base64. `POWERCRUD_WEBHOOK_SECRET` wins. */
    readonly secret?: string;
    /** Whether webhooks may go to private, loopback and link-local addresses. Default: false. */
    readonly isPrivateAllowed?: boolean;
  };
  /** Functions for the channel CALLBACK, by name. Every worker needs them. */
  readonly callbacks?: Readonly<Record<string, NotifyCallback>>;
  /** Whether a launch may ask for a notification. What the config itself says is not asked about. Default: yes. */
  isAllowed?(request: NotifyRequest & { readonly notify: Notify }): boolean;
}

/** What that must look like. @param kinds the bulk operations' */
export function notifyConfigShape(kinds: readonly string[]): MembersShape {
  const members: MembersOf<NotifyConfig> = {
    default: NOTIFY_RULES_SHAPE,
    kinds: {
      kind: "MAP",
      of: () => NOTIFY_RULES_SHAPE,
      words: kinds,
      what: "a bulk operation; an own task says it in its definition",
    },
    email: {
      kind: "MEMBERS",
      members: { smtpUrl: { kind: "TEXT" }, from: { kind: "TEXT" } } satisfies MembersOf<
        NonNullable<NotifyConfig["email"]>
      >,
      required: ["from"],
    },
    webhook: {
      kind: "MEMBERS",
      members: { secret: { kind: "TEXT" }, isPrivateAllowed: { kind: "FLAG" } } satisfies MembersOf<
        NonNullable<NotifyConfig["webhook"]>
      >,
    },
    callbacks: { kind: "MAP", of: () => ({ kind: "FUNCTION" }) },
    isAllowed: { kind: "FUNCTION" },
  };
  return { kind: "MEMBERS", members };
}

/** Whether the text is a secret as Standard Webhooks wants it: `whsec_` and the base64 of 24 to 64 bytes. */
export function isWebhookSecret(text: string): boolean {
  const key = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text)?.[1];
  const bytes = key === undefined ? 0 : Buffer.from(key, "base64").length;
  return bytes >= 24 && bytes <= 64;
}

/** Whether the text is the address of an SMTP server. */
export function isSmtpUrl(text: string): boolean {
  return URL.canParse(text) && /^smtps?:$/.test(new URL(text).protocol);
}
