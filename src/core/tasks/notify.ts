import type { MembersOf, Shape } from "../../kernel/shape.ts";
import type { Viewer } from "../access/viewer.ts";
import type { FinalStatus } from "./task-status.ts";

/** The ways in which someone is told how a task ended. */
export const NOTIFICATION_CHANNELS = ["STATUS_PAGE", "IN_APP", "EMAIL", "WEBHOOK", "CALLBACK"] as const;

/**
 * STATUS_PAGE: nothing is sent; the task has the address of its page. IN_APP: a row in the viewer's inbox. EMAIL, WEBHOOK:
 * a message to an address. CALLBACK: a function of the config is called.
 */
export type NotificationChannel = (typeof NOTIFICATION_CHANNELS)[number];

/** The channels whose notifications a process sends. */
export type SentChannel = Exclude<NotificationChannel, "STATUS_PAGE" | "IN_APP">;

/** Whom a launch wants to be told how its task ended. */
export interface Notify {
  readonly channel: NotificationChannel;
  /**
   * EMAIL: an address. WEBHOOK: a URL. CALLBACK: the name of a function in the config. IN_APP: the id of the viewer, by
   * default the one who launches. STATUS_PAGE: none.
   */
  readonly target?: string;
  /** The endings to tell of. Default: all. */
  readonly on?: readonly FinalStatus[];
}

/** What the functions of a rule are given. */
export interface NotifyRequest {
  readonly kind: string;
  readonly model: string | null;
  /** Who launches the task. */
  readonly viewer: Viewer;
}

/** The same in a config, where a function may find the target. Such a rule never makes a launch fail. */
export interface NotifyRule extends Omit<Notify, "target"> {
  /** As in {@link Notify}. A function returns undefined to tell nobody: `({viewer}) => viewer.claims?.email`. */
  readonly target?: string | ((request: NotifyRequest) => string | undefined);
}

/** What a list of rules must look like. */
export const NOTIFY_RULES_SHAPE = {
  kind: "LIST",
  of: {
    kind: "MEMBERS",
    members: {
      channel: { kind: "WORD", words: NOTIFICATION_CHANNELS, what: "a channel" },
      target: { kind: "ANY" },
      on: {
        kind: "LIST",
        of: {
          kind: "WORD",
          words: ["SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED"] satisfies readonly FinalStatus[],
          what: "a final status",
        },
      },
    } satisfies MembersOf<NotifyRule>,
    required: ["channel"],
  },
} as const satisfies Shape;
