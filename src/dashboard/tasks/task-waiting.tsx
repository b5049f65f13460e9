import { Card, Stack, Text } from "@mantine/core";
import type { JSX } from "react";
import { useLiveTask } from "../frame/workspace.tsx";
import type { TaskByIdQuery, TaskRowFragment } from "../generated/graphql.ts";
import { PageLink } from "../parts/link.tsx";
import { TaskBar, TaskCounts } from "./task-bar.tsx";
import { TaskLink } from "./task-link.tsx";
import { count } from "./task-words.ts";

type TaskDetails = NonNullable<TaskByIdQuery["task"]>;
type Blocker = TaskDetails["blockers"][number];
type Lock = TaskDetails["locks"][number];

/** Why a task stands still, and what lets it go on. */
export function TaskStandstill(props: { task: TaskRowFragment; details: TaskDetails }): JSX.Element | null {
  const { task, details } = props;
  const reason = reasonOf(task);
  const blockers = task.status === "WAITING" ? details.blockers : [];
  if (reason === undefined) {
    return null;
  }
  return (
    <Card withBorder padding="sm" role="status" data-standstill={task.status}>
      <Stack gap="xs">
        <Text size="sm">{reason}</Text>
        {blockers.map((blocker) => (
          <BlockerLine key={`${blocker.task.id}.${blocker.model}`} blocker={blocker} />
        ))}
      </Stack>
    </Card>
  );
}

function reasonOf(task: TaskRowFragment): string | undefined {
  switch (task.status) {
    case "WAITING":
      return "Waits in line until the records that it needs are free. It goes on by itself.";
    case "PAUSED":
      return `Paused by ${task.pausedBy ?? "somebody"}. It keeps its records; resume it to go on.`;
    case "PENDING":
      return task.attempt > 0
        ? "An attempt failed. The next one begins by itself."
        : "Queued: it begins as soon as a worker has a place for it.";
    case "RECEIVING":
      return "The rows of its file are coming in.";
    case "RUNNING":
      return stopReason(task);
    case "SUCCEEDED":
    case "PARTIAL":
    case "FAILED":
    case "CANCELLED":
    default:
      return undefined;
  }
}

function stopReason({ cancelRequestedAt, pauseRequestedAt }: TaskRowFragment): string | undefined {
  const asked = cancelRequestedAt ? "stop" : pauseRequestedAt ? "pause" : undefined;
  return asked && `Was asked to ${asked}, and does so after the records that it is at.`;
}

/** The task in the way, which records it holds, and its bar. */
function BlockerLine({ blocker }: { blocker: Blocker }): JSX.Element {
  const task = useLiveTask(blocker.task);
  const { model, recordIds } = blocker;
  const number =
    blocker.count === null || blocker.count === undefined
      ? `all of ${model}`
      : blocker.count === 1
        ? "1 of these records"
        : `${count(blocker.count)} of these records`;
  return (
    <div data-blocker={task.id}>
      <Text size="sm">
        <TaskLink task={task} /> {task.status === "WAITING" ? "came first for" : "holds"} {number}
        {recordIds.length === 0 ? "." : ": "}
        {recordIds.map((id, at) => (
          <span key={id}>
            {at === 0 ? "" : ", "}
            <PageLink to="/records/$model/$id" params={{ model, id }}>
              {id}
            </PageLink>
          </span>
        ))}
        {(blocker.count ?? 0) > recordIds.length && recordIds.length > 0 ? " …" : ""}
      </Text>
      <TaskBar task={task} isThin />
      <TaskCounts task={task} />
    </div>
  );
}

/** The records that a task holds or waits for, by model. */
export function TaskLocks({ locks }: { locks: readonly Lock[] }): JSX.Element | null {
  return locks.length === 0 ? null : (
    <Text size="xs" c="dimmed" data-locks>
      {["Holds", "Waits for"]
        .map((verb, at) => ({ verb, some: locks.filter(({ isInLine }) => isInLine === (at === 1)) }))
        .filter(({ some }) => some.length > 0)
        .map(({ verb, some }) => `${verb} ${some.map(lockInWords).join(", ")}.`)
        .join(" ")}
    </Text>
  );
}

function lockInWords(lock: Lock): string {
  return lock.count === null || lock.count === undefined
    ? `all of ${lock.model}`
    : `${count(lock.count)} of ${lock.model}`;
}
