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
import { createEmailNotifier } from "../adapters/notify/email-notifier.ts";
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

/** @throws AppError INVALID_CONFIG with one line per fault */
export function createNotifyChannels(
  { notify = {}, models = {}, tasks = [] }: NotifyParts,
  config: Pick<Config, "smtpUrl" | "webhookSecret" | "statusPageUrl" | "notifyTimeoutMs">,
): NotifyChannels {
  const { email, webhook, callbacks = {}, isAllowed } = notify;
  const smtpUrl = config.smtpUrl ?? email?.smtpUrl;
  const secret = config.webhookSecret ?? webhook?.secret;
  const byKind = new Map<string, readonly NotifyRule[]>([
    ...Object.entries(notify.kinds ?? {}),
    ...tasks.flatMap((task) => (task.notify === undefined ? [] : [[task.kind, task.notify] as const])),
  ]);
  const policy: NotifyPolicy = {
    rulesFor: (kind, model) =>
      byKind.get(kind) ?? (model === null ? undefined : models[model]?.notify) ?? notify.default ?? [],
    hasStatusPage: config.statusPageUrl !== undefined,
    hasEmail: smtpUrl !== undefined && email !== undefined,
    hasWebhook: secret !== undefined,
    callbacks: Object.keys(callbacks),
    ...(isAllowed === undefined ? {} : { isAllowed }),
  };
  const problems = [
    ...(smtpUrl === undefined || isSmtpUrl(smtpUrl)
      ? []
      : ["notify.email.smtpUrl must be an address such as smtps://user:password@mail.example.com"]),
    ...(secret === undefined || isWebhookSecret(secret)
      ? []
      : ["notify.webhook.secret must be `whsec_` and the base64 of 24 to 64 random bytes"]),
    ...ruleFaults(policy, notify.default ?? [], "notify.default"),
    ...Object.entries(notify.kinds ?? {}).flatMap(([kind, rules]) =>
      ruleFaults(policy, rules, `notify.kinds.${kind}`),
    ),
    ...Object.entries(models).flatMap(([model, options]) =>
      ruleFaults(policy, options.notify ?? [], `models.${model}.notify`),
    ),
    ...tasks.flatMap((task) => ruleFaults(policy, task.notify ?? [], `tasks.${task.kind}.notify`)),
  ];
  if (problems.length > 0) {
    throw new AppError("INVALID_CONFIG", problems.join("\n"), { details: { problems } });
  }
  return {
    policy,
    statusPageOf: statusPages(config.statusPageUrl),
    createNotifiers: (clock) => ({
      ...(smtpUrl === undefined || email === undefined
        ? {}
        : { EMAIL: createEmailNotifier({ smtpUrl, from: email.from, timeoutMs: config.notifyTimeoutMs }) }),
      ...(secret === undefined
        ? {}
        : {
            WEBHOOK: createWebhookNotifier({
              secret,
              isPrivateAllowed: webhook?.isPrivateAllowed ?? false,
              clock,
            }),
          }),
      CALLBACK: createCallbackNotifier(callbacks),
    }),
  };
}
