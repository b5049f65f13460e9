import { Card, CopyButton, Group, Skeleton, Stack, Text, Title, UnstyledButton } from "@mantine/core";
import { useParams } from "@tanstack/react-router";
import type { JSX, ReactNode } from "react";
import { useEffect } from "react";
import { useLiveTask, useWorkspace } from "../frame/workspace.tsx";
import type { TaskByIdQuery, TaskRowFragment } from "../generated/graphql.ts";
import { TaskByIdDocument } from "../generated/graphql.ts";
import { Answered } from "../parts/answered.tsx";
import { Section } from "../parts/section.tsx";
import { PlainTime } from "../parts/time-text.tsx";
import { useAnswer, usePaced } from "../parts/use-answer.ts";
import { TaskActions } from "./task-actions.tsx";
import { StatusBadge, TaskBar, TaskCounts } from "./task-bar.tsx";
import { TaskDownloads } from "./task-downloads.tsx";
import { TaskEvents } from "./task-events.tsx";
import { TaskInput, TaskResult } from "./task-input.tsx";
import { TaskRecords } from "./task-records.tsx";
import { TaskTable } from "./task-rows.tsx";
import { TaskSpeed } from "./task-speed.tsx";
import { TaskLocks, TaskStandstill } from "./task-waiting.tsx";
import { taskTitle } from "./task-words.ts";

type TaskDetails = NonNullable<TaskByIdQuery["task"]>;

const REFRESH_MS = 1000;

/** Everything about one task, as it happens. */
export function TaskPage(): JSX.Element {
  const { id } = useParams({ from: "/tasks/$id" });
  const { connection, feed } = useWorkspace();
  const answer = useAnswer(id, async () => {
    const { task } = await connection.request(TaskByIdDocument, { id });
    if (task !== null && task !== undefined) {
      feed.learn([task, ...task.blockers.map((blocker) => blocker.task)]);
    }
    return task ?? undefined;
  });
  const refresh = usePaced(answer.reload, REFRESH_MS);
  const blockers = answer.data?.blockers.map(({ task }) => task.id).join();
  useEffect(
    () =>
      feed.listen(({ task, type }) => {
        const isNear = task.id === id || blockers?.includes(task.id) === true;
        // While it runs, a new task may be a child of it.
        const isChild = type === "CREATE" && feed.read(id)?.status === "RUNNING";
        if ((isNear && type !== "PROGRESS") || isChild) {
          refresh();
        }
      }),
    [blockers, feed, id, refresh],
  );
  const shown = answer.data?.id === id ? answer : { ...answer, data: undefined };
  return (
    <Answered
      answer={shown}
      missing="There is no such task, or it is not for you to see."
      skeleton={<TaskSkeleton />}
    >
      {(details) => <TaskView key={id} details={details} onChange={answer.reload} />}
    </Answered>
  );
}

function TaskView({ details, onChange }: { details: TaskDetails; onChange: () => void }): JSX.Element {
  const task = useLiveTask(details);
  return (
    <Stack gap="md">
      <TaskHead task={task} details={details} onChange={onChange} />
      <TaskStandstill task={task} details={details} />
      <div className="columns columns-wide">
        <div>
          <Stack gap="lg">
            <TaskInput kind={task.kind} input={details.input} />
            <TaskRecords task={task} />
          </Stack>
        </div>
        <div>
          <Stack gap="lg">
            <TaskEvents id={task.id} events={details.events.nodes} />
            <TaskResult result={details.result} />
          </Stack>
        </div>
      </div>
      <Relatives title="Part of" tasks={details.parent ? [details.parent] : []} />
      <Relatives title="Retry of" tasks={details.retryOf ? [details.retryOf] : []} />
      <Relatives title="Children" tasks={details.children} />
      <Relatives title="Retries" tasks={details.retries} />
    </Stack>
  );
}

/** What it is, how far it is, and what can be done with it. */
function TaskHead(props: { task: TaskRowFragment; details: TaskDetails; onChange: () => void }): JSX.Element {
  const { task, details, onChange } = props;
  const message = task.progress.message ?? task.message ?? "";
  return (
    <>
      <Group justify="space-between" align="start" gap="sm">
        <Stack gap={4} miw={0}>
          <Group gap="sm">
            <Title order={1} size="h3">
              {taskTitle(task)}
            </Title>
            <StatusBadge task={task} />
          </Group>
          <TaskFacts task={task} details={details} />
        </Stack>
        <TaskActions task={task} onChange={onChange}>
          <TaskDownloads task={task} details={details} />
        </TaskActions>
      </Group>
      <Card withBorder padding="md">
        <Stack gap={6}>
          <TaskBar task={task} />
          <TaskCounts task={task} />
          {message === "" ? null : <Text size="sm">{message}</Text>}
          <TaskSpeed task={task} />
          <TaskLocks locks={details.locks} />
        </Stack>
      </Card>
    </>
  );
}

/** Who launched it and when, its attempts, and its id to copy. */
function TaskFacts({ task, details }: { task: TaskRowFragment; details: TaskDetails }): JSX.Element {
  const facts: readonly ReactNode[] = [
    details.kindInfo?.description ?? task.kind,
    <>
      launched by {task.createdBy ?? "anonymous"} <PlainTime at={task.createdAt} />
    </>,
    ...(details.schedule ? [`by the schedule ${details.schedule}`] : []),
    ...(task.attempt > 1 ? [`attempt ${task.attempt}`] : []),
  ];
  return (
    <Text size="xs" c="dimmed" component="div">
      {facts.map((fact, at) => (
        <span key={at}>
          {at === 0 ? "" : " · "}
          {fact}
        </span>
      ))}{" "}
      ·{" "}
      <CopyButton value={task.id}>
        {({ copied, copy }) => (
          <UnstyledButton fz="xs" title={task.id} onClick={copy} className="numbers">
            {copied ? "copied" : task.id.slice(-8)}
          </UnstyledButton>
        )}
      </CopyButton>
    </Text>
  );
}

function Relatives(props: { title: string; tasks: readonly TaskRowFragment[] }): JSX.Element | null {
  const { title, tasks } = props;
  return tasks.length === 0 ? null : (
    <Section title={title}>
      <TaskTable title={title} tasks={tasks} />
    </Section>
  );
}

/** As high as what will come. */
function TaskSkeleton(): JSX.Element {
  return (
    <Stack gap="md" role="status" aria-label="Loading the task">
      <Skeleton height={28} width={280} />
      <Skeleton height={90} />
      <Skeleton height={240} />
    </Stack>
  );
}
