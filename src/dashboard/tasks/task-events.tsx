import { Group, Text } from "@mantine/core";
import type { JSX } from "react";
import { useEffect, useState } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { TaskByIdQuery } from "../generated/graphql.ts";
import { Section } from "../parts/section.tsx";
import { PlainTime } from "../parts/time-text.tsx";

type Event = NonNullable<TaskByIdQuery["task"]>["events"]["nodes"][number];

const EVENT_WORDS: Readonly<Record<Event["type"], string>> = {
  CREATE: "Launched",
  START: "Started",
  PROGRESS: "Progress",
  PAUSE: "Paused",
  RESUME: "Resumed",
  POSTPONE: "Put off: an attempt failed, the next one follows",
  COMPLETE: "Completed",
  FAIL: "Failed",
  CANCEL: "Cancelled",
  CLEANUP: "Locks released",
};

/** What happened to the task, the newest last; events are added as they come. */
export function TaskEvents({ id, events }: { id: string; events: readonly Event[] }): JSX.Element {
  const { feed } = useWorkspace();
  const [heard, setHeard] = useState<readonly Event[]>([]);
  useEffect(() => {
    setHeard([]);
    return feed.listen(({ task, ...event }) =>
      task.id === id && event.type !== "PROGRESS" ? setHeard((before) => [...before, event]) : undefined,
    );
  }, [feed, id]);
  const all = [...new Map([...events, ...heard].map((event) => [event.sequence, event])).values()];
  return (
    <Section title="Timeline">
      <ol className="timeline">
        {all.map(({ sequence, type, at, message }) => (
          <li key={sequence} data-event={type}>
            <Group gap="xs" justify="space-between">
              <Text size="sm">{EVENT_WORDS[type]}</Text>
              <Text size="xs" c="dimmed" component="span">
                <PlainTime at={at} />
              </Text>
            </Group>
            {message === null || message === undefined ? null : <Text size="xs">{message}</Text>}
          </li>
        ))}
      </ol>
    </Section>
  );
}
