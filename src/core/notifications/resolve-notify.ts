import { isStorableText } from "../../kernel/json.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Parsed, RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import type { Notify, NotifyRequest, NotifyRule } from "../tasks/notify.ts";
import { NOTIFICATION_CHANNELS } from "../tasks/notify.ts";
import { isFinal, TASK_STATUSES } from "../tasks/task-status.ts";
import type { Viewer } from "../access/viewer.ts";

/** Who is to be told of what, as the config says, and over which channels. */
export interface NotifyPolicy {
  /** The rules for a launch that does not say: those of its kind, else of its model, else of all tasks. */
  rulesFor(kind: string, model: string | null): readonly NotifyRule[];
  readonly hasStatusPage: boolean;
  readonly hasEmail: boolean;
  readonly hasWebhook: boolean;
  readonly callbacks: readonly string[];
  /** Whether a launch may ask for it. Default: yes. */
  isAllowed?(request: NotifyRequest & { readonly notify: Notify }): boolean;
}

/** No rules, and no channel but the inbox. */
export const TELL_NOBODY: NotifyPolicy = Object.freeze({
  rulesFor: () => [],
  hasStatusPage: false,
  hasEmail: false,
  hasWebhook: false,
  callbacks: [],
});

/** A launch, and what it says of notifications. */
export interface NotifyLaunch extends NotifyRequest {
  /** Undefined: as the config says. Empty: nobody. */
  readonly asked: readonly Notify[] | undefined;
}

/** The most recipients of one task. */
const MAX_NOTIFY = 20;
const MAX_TARGET_LENGTH = 2000;
/** One plain address: no name, no list, no white space that could end a header. */
const ADDRESS = /^[^\s@<>()[\]\\,;:"]{1,64}@[^\s@<>()[\]\\,;:"]{1,255}$/;

/**
 * Whom to tell how the task will end. What a launch asks for is checked; a rule of the config that cannot be kept, such as an
 * in-app notification for an anonymous viewer, is left out, since it is not the caller's fault.
 */
export function resolveNotify(
  policy: NotifyPolicy,
  logger: Logger,
  { asked, ...request }: NotifyLaunch,
): Parsed<readonly Notify[]> {
  if (asked === undefined) {
    return { value: withoutRepeats(resolveRules(policy, logger, request)) };
  }
  if (!Array.isArray(asked) || asked.length > MAX_NOTIFY) {
    return {
      problems: [problem(`options.notify: needs a list of at most ${MAX_NOTIFY}.`, "options.notify")],
    };
  }
  const list = asked.map((notify: Notify) => completed(notify, request.viewer));
  const problems = list.flatMap((notify, at) => problemsOf(policy, request, notify, `options.notify.${at}`));
  return problems.length > 0 ? { problems } : { value: withoutRepeats(list) };
}

/** What is wrong with a rule wherever it is used; its function is not called. */
export function ruleFaults(
  policy: NotifyPolicy,
  rules: readonly NotifyRule[],
  place: string,
): readonly string[] {
  return rules.flatMap(({ target, ...rest }, at) => {
    const isStatic = typeof target === "string";
    const here = `${place}[${at}]`;
    if (target !== undefined && !isStatic && typeof target !== "function") {
      return [`${here}.target must be a text or a function`];
    }
    const fault =
      channelFault(policy, rest.channel) ??
      (typeof target === "function" || (rest.channel === "IN_APP" && !isStatic)
        ? undefined
        : targetFault(policy, isStatic ? { ...rest, target } : rest));
    return fault === undefined ? [] : [`${here}: ${fault}`];
  });
}

function resolveRules(policy: NotifyPolicy, logger: Logger, request: NotifyRequest): readonly Notify[] {
  return policy.rulesFor(request.kind, request.model).flatMap((rule) => {
    try {
      return resolveRule(policy, logger, request, rule);
    } catch (error) {
      logger.error({ err: error, kind: request.kind }, "the target of a rule for notifications threw");
      return [];
    }
  });
}

function resolveRule(
  policy: NotifyPolicy,
  logger: Logger,
  request: NotifyRequest,
  rule: NotifyRule,
): readonly Notify[] {
  const isFound = typeof rule.target === "function";
  const target = typeof rule.target === "function" ? rule.target(request) : rule.target;
  if (isFound && target === undefined) {
    return [];
  }
  const notify = completed({ ...rule, target }, request.viewer);
  if (notify.channel === "IN_APP" && notify.target === undefined) {
    return [];
  }
  const fault = channelFault(policy, notify.channel) ?? targetFault(policy, notify);
  if (fault !== undefined) {
    const { kind } = request;
    logger.warn({ kind, channel: notify.channel }, `a rule for notifications was left out: ${fault}`);
  }
  return fault === undefined ? [notify] : [];
}

/** The known members. In-app notifications are for the viewer who launches, unless said otherwise. */
function completed(
  { channel, target, on }: { readonly [Name in keyof Notify]: Notify[Name] | null | undefined },
  viewer: Viewer,
): Notify {
  const found = target ?? (channel === "IN_APP" ? viewer.id : undefined) ?? undefined;
  return {
    channel: channel as Notify["channel"],
    ...(found === undefined ? {} : { target: found }),
    ...(on == null ? {} : { on }),
  };
}

function problemsOf(
  policy: NotifyPolicy,
  request: NotifyRequest,
  notify: Notify,
  place: string,
): readonly RecordProblem[] {
  const fault = (text: string, member = ""): readonly RecordProblem[] => [
    problem(`${place}${member}: ${text}`, `${place}${member}`),
  ];
  const inChannel = channelFault(policy, notify.channel);
  if (inChannel !== undefined) {
    return fault(inChannel, ".channel");
  }
  const { viewer } = request;
  if (notify.channel === "IN_APP" && viewer.id === null) {
    return fault("an anonymous caller has no inbox; use another channel, or say who you are.", ".channel");
  }
  if (notify.channel === "IN_APP" && notify.target !== viewer.id) {
    return fault("a launch can only fill the inbox of its own viewer; leave the target out.", ".target");
  }
  const inTarget = targetFault(policy, notify);
  if (inTarget !== undefined) {
    return fault(inTarget, ".target");
  }
  const inEndings = endingsFault(notify);
  if (inEndings !== undefined) {
    return fault(inEndings, ".on");
  }
  return policy.isAllowed?.({ ...request, notify }) === false
    ? fault("this is not allowed here: the app's rules for notifications refuse it.")
    : [];
}

/** Undefined where the channel is set up. */
function channelFault(policy: NotifyPolicy, channel: Notify["channel"]): string | undefined {
  switch (channel) {
    case "STATUS_PAGE":
      return policy.hasStatusPage ? undefined : "there is no status page; set POWERCRUD_STATUS_PAGE_URL.";
    case "EMAIL":
      return policy.hasEmail
        ? undefined
        : "e-mail is not set up; set POWERCRUD_SMTP_URL, and notify.email.from in the config.";
    case "WEBHOOK":
      return policy.hasWebhook
        ? undefined
        : "webhooks need a secret to sign with; set POWERCRUD_WEBHOOK_SECRET, or notify.webhook.secret in the config.";
    case "CALLBACK":
      return policy.callbacks.length > 0 ? undefined : "the config has no callbacks; see notify.callbacks.";
    case "IN_APP":
      return undefined;
    default:
      return `needs one of ${NOTIFICATION_CHANNELS.join(", ")}.`;
  }
}

function targetFault(policy: NotifyPolicy, { channel, target }: Notify): string | undefined {
  if (channel === "STATUS_PAGE") {
    return target === undefined ? undefined : "a status page has no target; leave it out.";
  }
  if (typeof target !== "string" || target === "") {
    return TARGETS[channel];
  }
  return target.length > MAX_TARGET_LENGTH || !isStorableText(target)
    ? `needs at most ${MAX_TARGET_LENGTH} characters, without NUL and halves of characters.`
    : formFault(policy, channel, target);
}

function formFault(
  { callbacks }: NotifyPolicy,
  channel: keyof typeof TARGETS,
  target: string,
): string | undefined {
  switch (channel) {
    case "EMAIL":
      return ADDRESS.test(target) ? undefined : `${JSON.stringify(target)} is not an e-mail address.`;
    case "WEBHOOK":
      return urlFault(target);
    case "CALLBACK":
      return callbacks.includes(target)
        ? undefined
        : `there is no callback ${JSON.stringify(target)}. Known: ${callbacks.join(", ")}.`;
    case "IN_APP":
      return undefined;
  }
}

const TARGETS: Readonly<Record<Exclude<Notify["channel"], "STATUS_PAGE">, string>> = {
  IN_APP: "needs the id of a viewer.",
  EMAIL: "needs an e-mail address.",
  WEBHOOK: "needs a URL that begins with http:// or https://.",
  CALLBACK: "needs the name of a callback of the config.",
};

function urlFault(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:" && url?.protocol !== "http:") {
    return `${JSON.stringify(text)} is not a URL that begins with http:// or https://.`;
  }
  return url.username !== "" || url.password !== ""
    ? "the URL must not hold a user or a password; the receiver knows us by the signature."
    : undefined;
}

function endingsFault({ on }: Notify): string | undefined {
  const final = TASK_STATUSES.filter(isFinal);
  const isFine =
    on === undefined || (Array.isArray(on) && on.length > 0 && on.every((status) => final.includes(status)));
  return isFine ? undefined : `needs one or more of ${final.join(", ")}, or leave it out for all.`;
}

function withoutRepeats(list: readonly Notify[]): readonly Notify[] {
  return [...new Map(list.map((notify) => [JSON.stringify(notify), notify])).values()];
}
