import { Text, Tooltip } from "@mantine/core";
import type { JSX } from "react";
import { useEffect, useState } from "react";
import { ago } from "../tasks/task-words.ts";

const REDRAW_MS = 15_000;

/** "3 min ago", with the exact time on hover. */
export function TimeText({ at }: { at: string }): JSX.Element {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), REDRAW_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <Tooltip label={new Date(at).toLocaleString()}>
      <Text size="xs" c="dimmed" component="time" dateTime={at}>
        {ago(at, Math.max(now, Date.parse(at)))}
      </Text>
    </Tooltip>
  );
}
