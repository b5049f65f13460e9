import { Badge, Group, Progress, Text, Tooltip } from "@mantine/core";
import type { JSX } from "react";
import type { TaskRowFragment } from "../generated/graphql.ts";
import { isSettled } from "./task-feed.ts";
import { count, rate, STATUS_WORDS, timeLeft } from "./task-words.ts";

/** The status as a word and a colour. */
export function StatusBadge(props: { task: Pick<TaskRowFragment, "status" | "isDryRun"> }): JSX.Element {
  const { word, color } = STATUS_WORDS[props.task.status];
  return (
    <Group gap={4} wrap="nowrap">
      <Badge variant="light" color={color} radius="sm" tt="none" className={`status-${color}`}>
        {word}
      </Badge>
      {props.task.isDryRun ? (
        <Tooltip label="It only tries: nothing is changed">
          <Badge variant="outline" color="gray" radius="sm" tt="none">
            Dry run
          </Badge>
        </Tooltip>
      ) : null}
    </Group>
  );
}

/** How far a task is, in a bar of three colours: written, failed, left out. */
export function TaskBar(props: { task: TaskRowFragment; isThin?: boolean }): JSX.Element {
  const { progress, status } = props.task;
  const { total, succeeded, failed, skipped } = progress;
  const part = (value: number): number =>
    total === null || total === undefined || total === 0 ? 0 : (100 * value) / total;
  const isFull = isSettled(props.task) && (total ?? 0) === 0 && status === "SUCCEEDED";
  const sections: readonly (readonly [number, string])[] = [
    [isFull ? 100 : part(succeeded), isSettled(props.task) ? "green" : "blue"],
    [part(failed), "red"],
    [part(skipped), "gray"],
  ];
  return (
    <Progress.Root size={props.isThin === true ? 4 : 8} radius="xl">
      {sections.map(([value, color]) => (
        <Progress.Section
          key={color}
          value={value}
          color={color}
          aria-label={`${Math.round(progress.percent ?? 0)} percent`}
        />
      ))}
    </Progress.Root>
  );
}

/** "12,000 of 50,000, 20K a second, about 2 s left". */
export function TaskCounts(props: { task: TaskRowFragment }): JSX.Element {
  const { progress } = props.task;
  const { processed, total, failed, skipped, recordsPerSecond, etaMs } = progress;
  const isOver = isSettled(props.task);
  const parts = [
    total === null || total === undefined ? count(processed) : `${count(processed)} of ${count(total)}`,
    failed > 0 ? `${count(failed)} failed` : undefined,
    skipped > 0 ? `${count(skipped)} skipped` : undefined,
    isOver ? undefined : rate(recordsPerSecond),
    isOver ? undefined : timeLeft(etaMs),
  ];
  return (
    <Text size="xs" c="dimmed" className="numbers">
      {parts.filter((part) => part !== undefined).join(" · ")}
    </Text>
  );
}
