import { Text, Tooltip } from "@mantine/core";
import type { JSX } from "react";
import { useSyncExternalStore } from "react";
import { ago } from "../tasks/task-words.ts";

const REDRAW_MS = 15_000;

const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

/** One clock for all times on the page. */
function useNow(): number {
  return useSyncExternalStore(follow, () => now);
}

function follow(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    listeners.forEach((one) => one());
  }, REDRAW_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** "3 min ago", or "in 3 min", with the exact time on hover. */
export function TimeText({ at }: { at: string }): JSX.Element {
  return (
    <Tooltip label={new Date(at).toLocaleString()}>
      <Text size="xs" c="dimmed" component="time" dateTime={at}>
        {ago(at, useNow())}
      </Text>
    </Tooltip>
  );
}

/** The same without a tooltip of its own, for lists. */
export function PlainTime({ at }: { at: string }): JSX.Element {
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {ago(at, useNow())}
    </time>
  );
}
