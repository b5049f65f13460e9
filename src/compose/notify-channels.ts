import { AppError } from "../kernel/app-error.ts";
import type { Clock } from "../kernel/clock.ts";
import type { NotifyConfig } from "../core/notifications/notify-config.ts";
import { isSmtpUrl, isWebhookSecret } from "../core/notifications/notify-config.ts";
import type { TextPorts } from "../core/notifications/notification-text.ts";
import { statusPages } from "../core/notifications/notification-text.ts";
import type { NotifyPolicy } from "../core/notifications/resolve-notify.ts";
import { ruleFaults } from "../core/notifications/resolve-notify.ts";
import type { SendPorts } from "../core/notifications/send-notification.ts";
import type { ModelOptionsMap } from "../core/records/model-options.ts";
import type { NotifyRule } from "../core/tasks/notify.ts";
import { createCallbackNotifier } from "../adapters/notify/callback-notifier.ts";
import type { EmailNotifierOptions } from "../adapters/notify/email-notifier.ts";
import { createEmailNotifier } from "../adapters/notify/email-notifier.ts";
import type { WebhookNotifierOptions } from "../adapters/notify/webhook-notifier.ts";
import { createWebhookNotifier } from "../adapters/notify/webhook-notifier.ts";
import type { Config } from "../config/config.ts";

/** What a config and the settings say of notifications. */
export interface NotifyChannels {
  readonly policy: NotifyPolicy;
  readonly statusPageOf: TextPorts["statusPageOf"];
  /** What sends over the channels that are set up; for a worker. */
  createNotifiers(clock: Clock): SendPorts["notifiers"];
}

/** The parts of a config that may say something of notifications. */
interface NotifyParts {
  readonly notify?: NotifyConfig | undefined;
  readonly models?: ModelOptionsMap | undefined;
  readonly tasks?: readonly { readonly kind: string; readonly notify?: readonly NotifyRule[] }[] | undefined;
}

/** The settings that the channels need. */
type NotifySettings = Pick<Config, "smtpUrl" | "webhookSecret" | "statusPageUrl" | "notifyTimeoutMs">;

/** @throws AppError INVALID_CONFIG with one line per fault */
export function createNotifyChannels(parts: NotifyParts, config: NotifySettings): NotifyChannels {
  const { notify = {} } = parts;
  const { callbacks = {}, isAllowed } = notify;
  const email = emailOf(notify, config);
  const webhook = webhookOf(notify, config);
  const policy: NotifyPolicy = {
    rulesFor: rulesOf(parts),
    hasStatusPage: config.statusPageUrl !== undefined,
    hasEmail: email !== undefined,
    hasWebhook: webhook !== undefined,
    callbacks: Object.keys(callbacks),
    ...(isAllowed === undefined ? {} : { isAllowed }),
  };
  refuseFaults([
    ...(email === undefined || isSmtpUrl(email.smtpUrl)
      ? []
      : ["notify.email.smtpUrl must be an address such as smtps://user:password@mail.example.com"]),
    ...(webhook === undefined || isWebhookSecret(webhook.secret)
      ? []
      : ["notify.webhook.secret must be `whsec_` and the base64 of 24 to 64 random bytes"]),
    ...faultsOfRules(policy, parts),
  ]);
  return {
    policy,
    statusPageOf: statusPages(config.statusPageUrl),
    createNotifiers: (clock) => ({
      ...(email === undefined ? {} : { EMAIL: createEmailNotifier(email) }),
      ...(webhook === undefined ? {} : { WEBHOOK: createWebhookNotifier({ ...webhook, clock }) }),
      CALLBACK: createCallbackNotifier(callbacks),
    }),
  };
}

/** The mail server and the sender; undefined unless both are known. */
function emailOf({ email }: NotifyConfig, config: NotifySettings): EmailNotifierOptions | undefined {
  const smtpUrl = config.smtpUrl ?? email?.smtpUrl;
  return smtpUrl === undefined || email === undefined
    ? undefined
    : { smtpUrl, from: email.from, timeoutMs: config.notifyTimeoutMs };
}

function webhookOf(
  { webhook = {} }: NotifyConfig,
  config: NotifySettings,
): Omit<WebhookNotifierOptions, "clock"> | undefined {
  const secret = config.webhookSecret ?? webhook.secret;
  return secret === undefined ? undefined : { secret, isPrivateAllowed: webhook.isPrivateAllowed ?? false };
}

function rulesOf({ notify = {}, models = {}, tasks = [] }: NotifyParts): NotifyPolicy["rulesFor"] {
  const byKind = new Map<string, readonly NotifyRule[] | undefined>([
    ...Object.entries(notify.kinds ?? {}),
    ...tasks.map((task) => [task.kind, task.notify] as const),
  ]);
  return (kind, model) =>
    byKind.get(kind) ?? (model === null ? undefined : models[model]?.notify) ?? notify.default ?? [];
}

function faultsOfRules(
  policy: NotifyPolicy,
  { notify = {}, models = {}, tasks = [] }: NotifyParts,
): readonly string[] {
  const places: readonly (readonly [string, readonly NotifyRule[] | undefined])[] = [
    ["notify.default", notify.default],
    ...Object.entries(notify.kinds ?? {}).map(([kind, rules]) => [`notify.kinds.${kind}`, rules] as const),
    ...Object.entries(models).map(([model, options]) => [`models.${model}.notify`, options.notify] as const),
    ...tasks.map((task) => [`tasks.${task.kind}.notify`, task.notify] as const),
  ];
  return places.flatMap(([place, rules]) => ruleFaults(policy, rules ?? [], place));
}

function refuseFaults(problems: readonly string[]): void {
  if (problems.length > 0) {
    throw new AppError("INVALID_CONFIG", problems.join("\n"), { details: { problems } });
  }
}
