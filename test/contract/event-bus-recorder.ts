import type { BusSubscriber } from "../../src/core/events/event-bus.ts";
import type { Json } from "../../src/kernel/json.ts";
import { withDeadline } from "../support/deadline.ts";

/** A subscriber that keeps its messages. */
export interface Recorder extends BusSubscriber {
  readonly messages: Json[];
  /** Resolves once that many messages have arrived. */
  untilMessages(count: number): Promise<readonly Json[]>;
  untilGap(): Promise<void>;
  gapCount(): number;
}

export function createRecorder(): Recorder {
  const messages: Json[] = [];
  const waiting: { isOver: () => boolean; resolve: () => void }[] = [];
  let gaps = 0;
  const check = (): void => waiting.filter(({ isOver }) => isOver()).forEach(({ resolve }) => resolve());
  const until = (isOver: () => boolean, what: string): Promise<void> =>
    withDeadline(
      new Promise<void>((resolve) => {
        waiting.push({ isOver, resolve });
        check();
      }),
      10_000,
      what,
    );
  return {
    messages,
    onMessage(message) {
      messages.push(message);
      check();
    },
    onGap() {
      gaps += 1;
      check();
    },
    async untilMessages(count) {
      await until(() => messages.length >= count, `the arrival of ${count} messages`);
      return messages;
    },
    gapCount: () => gaps,
    untilGap: () => until(() => gaps > 0, "a gap"),
  };
}

let topicCount = 0;
/** A topic that no other test uses. */
export const newTopic = (): string =>
  `topic_${String((topicCount += 1)).replaceAll(/\d/g, (digit) => "abcdefghij"[Number(digit)] ?? "")}`;
