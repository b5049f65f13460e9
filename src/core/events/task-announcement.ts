import type { Json } from "../../kernel/json.ts";
import type { Progress } from "../tasks/progress.ts";

/** The bus topic for all tasks. */
export const TASK_TOPIC = "powercrud_tasks";

/** A message on that topic. */
export type TaskAnnouncement =
  /** New lifecycle events of the tasks are in the log. */
  | { readonly kind: "LIFECYCLE"; readonly taskIds: readonly string[] }
  /** How far a running attempt has come; `at` in ISO 8601. */
  | {
      readonly kind: "PROGRESS";
      readonly taskId: string;
      readonly attempt: number;
      readonly at: string;
      readonly progress: Progress;
    };

/** The announcement as a message for the bus. */
export function encodeAnnouncement(announcement: TaskAnnouncement): Json {
  return announcement as unknown as Json;
}

/** The announcement in a message; undefined for any other message, such as a newer version's. */
export function decodeAnnouncement(message: Json): TaskAnnouncement | undefined {
  const candidate = message as unknown as TaskAnnouncement | null;
  const isKnown = candidate?.kind === "LIFECYCLE" || candidate?.kind === "PROGRESS";
  return isKnown ? candidate : undefined;
}
