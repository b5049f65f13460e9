import {
  Button,
  Card,
  Code,
  Grid,
  Group,
  SegmentedControl,
  Stack,
  Table,
  Text,
  Timeline,
  Title,
} from "@mantine/core";
import { useParams } from "@tanstack/react-router";
import type { JSX, ReactNode } from "react";
import { useEffect, useState } from "react";
import { useLiveTask, useWorkspace } from "../frame/workspace.tsx";
import type {
  RecordOutcome,
  TaskByIdQuery,
  TaskRecordsQuery,
  TaskRowFragment,
} from "../generated/graphql.ts";
import { TaskByIdDocument, TaskRecordsDocument } from "../generated/graphql.ts";
import { PageLink } from "../parts/link.tsx";
import { Answered } from "../parts/answered.tsx";
import { Empty, Failure } from "../parts/notice.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { useAnswer, usePaced } from "../parts/use-answer.ts";
import { TaskActions } from "./task-actions.tsx";
import { StatusBadge, TaskBar, TaskCounts } from "./task-bar.tsx";
import { isSettled } from "./task-feed.ts";
import { TaskTable } from "./task-list-page.tsx";
import { count, taskTitle } from "./task-words.ts";
import { errorText } from "../parts/error-text.ts";

type TaskDetails = NonNullable<TaskByIdQuery["task"]>;

const REFRESH_MS = 1000;
const RECORDS_SHOWN = 100;
const EVENT_WORDS: Readonly<Record<string, string>> = {
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

export function TaskPage(): JSX.Element {
  const { id } = useParams({ from: "/tasks/$id" });
  const { connection, feed } = useWorkspace();
  const answer = useAnswer(id, async () => {
    const { task } = await connection.request(TaskByIdDocument, { id });
    if (task !== null && task !== undefined) {
      feed.learn([task, ...(task.blockedBy ? [task.blockedBy] : [])]);
    }
    return task ?? undefined;
  });
  const refresh = usePaced(answer.reload, REFRESH_MS);
  useEffect(
    () => feed.listen(({ task, type }) => (task.id === id && type !== "PROGRESS" ? refresh() : undefined)),
    [feed, id, refresh],
  );
  return (
    <Answered answer={answer} missing="There is no such task, or it is not for you to see.">
      {(details) => <TaskView details={details} onChange={answer.reload} />}
    </Answered>
  );
}

function TaskView({ details, onChange }: { details: TaskDetails; onChange: () => void }): JSX.Element {
  const task = useLiveTask(details);
  return (
    <Stack gap="md">
      <TaskHead task={task} description={details.kindInfo?.description ?? task.kind} onChange={onChange} />
      {details.blockedBy && task.status === "WAITING" ? <Blocker task={details.blockedBy} /> : null}
      <Grid>
        <Grid.Col span={{ base: 12, md: 8 }}>
          <TaskRecords task={task} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <EventList events={details.events.nodes} />
          <Data title="Input" value={details.input} />
          {details.result === null || details.result === undefined ? null : (
            <Data title="Result" value={details.result} />
          )}
        </Grid.Col>
      </Grid>
      <Relatives title="Part of" tasks={details.parent ? [details.parent] : []} />
      <Relatives title="Retry of" tasks={details.retryOf ? [details.retryOf] : []} />
      <Relatives title="Children" tasks={details.children} />
      <Relatives title="Retries" tasks={details.retries} />
    </Stack>
  );
}

/** What it is, how far it is, and what can be done with it. */
function TaskHead(props: { task: TaskRowFragment; description: string; onChange: () => void }): JSX.Element {
  const { task, description, onChange } = props;
  const message = task.progress.message ?? task.message ?? "";
  return (
    <>
      <Group justify="space-between" align="start">
        <Stack gap={4}>
          <Group gap="sm">
            <Title order={1} size="h3">
              {taskTitle(task)}
            </Title>
            <StatusBadge task={task} />
          </Group>
          <Text size="xs" c="dimmed">
            {task.createdBy ?? "anonymous"} · {description} · <span title={task.id}>{task.id.slice(-8)}</span>
          </Text>
        </Stack>
        <TaskActions task={task} onChange={onChange} />
      </Group>
      <Card withBorder padding="md">
        <Stack gap={6}>
          <TaskBar task={task} />
          <TaskCounts task={task} />
          {message === "" ? null : <Text size="sm">{message}</Text>}
        </Stack>
      </Card>
    </>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }): JSX.Element {
  return (
    <Stack gap="xs" mb="md">
      <Title order={2} size="h5">
        {title}
      </Title>
      {children}
    </Stack>
  );
}

/** The task that stands in the way, with its bar. */
function Blocker(props: { task: TaskRowFragment }): JSX.Element {
  const task = useLiveTask(props.task);
  return (
    <Card withBorder padding="sm">
      <Text size="sm">
        Waits for{" "}
        <PageLink to="/tasks/$id" params={{ id: task.id }}>
          {taskTitle(task)}
        </PageLink>
        , which holds records that this task needs.
      </Text>
      <TaskBar task={task} isThin />
      <TaskCounts task={task} />
    </Card>
  );
}

function EventList({ events }: { events: TaskDetails["events"]["nodes"] }): JSX.Element {
  return (
    <Section title="Timeline">
      <Timeline bulletSize={10} lineWidth={1} active={events.length}>
        {events.map(({ cursor, type, at, message }) => (
          <Timeline.Item key={cursor} title={<Text size="sm">{EVENT_WORDS[type] ?? type}</Text>}>
            {message === null || message === undefined ? null : <Text size="xs">{message}</Text>}
            <TimeText at={at} />
          </Timeline.Item>
        ))}
      </Timeline>
    </Section>
  );
}

function Data({ title, value }: { title: string; value: unknown }): JSX.Element {
  return (
    <Section title={title}>
      <Code block className="data" tabIndex={0} aria-label={title}>
        {JSON.stringify(value ?? null, undefined, 2)}
      </Code>
    </Section>
  );
}

function Relatives({
  title,
  tasks,
}: {
  title: string;
  tasks: readonly TaskRowFragment[];
}): JSX.Element | null {
  return tasks.length === 0 ? null : (
    <Section title={title}>
      <TaskTable tasks={tasks} />
    </Section>
  );
}

const OUTCOMES: readonly { readonly value: RecordOutcome; readonly label: string }[] = [
  { value: "FAILED", label: "Failed" },
  { value: "SKIPPED", label: "Skipped" },
  { value: "SUCCEEDED", label: "Written" },
  { value: "UNPROCESSED", label: "Not reached" },
];

/** The records of a bulk task by what became of them. They are told once the task is over, or stands still. */
function TaskRecords({ task }: { task: TaskRowFragment }): JSX.Element {
  const { connection } = useWorkspace();
  const { failed, skipped } = task.progress;
  const [chosen, choose] = useState<RecordOutcome>();
  const outcome = chosen ?? (failed > 0 || skipped === 0 ? "FAILED" : "SKIPPED");
  const key = JSON.stringify([task.id, outcome, task.status, isSettled(task) ? 0 : failed + skipped]);
  const answer = useAnswer(key, async () => {
    const found = await connection.request(TaskRecordsDocument, {
      id: task.id,
      outcome,
      first: RECORDS_SHOWN,
    });
    return found.task?.records;
  });
  return (
    <Section title="Records">
      <Group justify="space-between">
        <SegmentedControl
          size="xs"
          aria-label="Outcome"
          data={[...OUTCOMES]}
          value={outcome}
          onChange={choose}
        />
        {isSettled(task) ? <DownloadButton taskId={task.id} /> : null}
      </Group>
      {answer.error === undefined ? null : <Failure message={answer.error} onRetry={answer.reload} />}
      {answer.data === undefined ? null : <OutcomeTable records={answer.data} />}
    </Section>
  );
}

function DownloadButton({ taskId }: { taskId: string }): JSX.Element {
  const { connection } = useWorkspace();
  const [failure, setFailure] = useState<string>();
  const download = async (): Promise<void> => {
    try {
      await connection.download(`/tasks/${taskId}/records.jsonl`, `${taskId}-records.jsonl`);
      setFailure(undefined);
    } catch (error) {
      setFailure(errorText(error));
    }
  };
  return (
    <>
      <Button size="xs" variant="default" onClick={() => void download()}>
        Download all
      </Button>
      {failure === undefined ? null : <Failure message={failure} />}
    </>
  );
}

type TaskRecordPage = NonNullable<TaskRecordsQuery["task"]>["records"];

function OutcomeTable({ records }: { records: TaskRecordPage }): JSX.Element {
  const { nodes, totalCount } = records;
  if (nodes.length === 0) {
    return <Empty>None.</Empty>;
  }
  return (
    <>
      <Table verticalSpacing={4}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={160}>Record</Table.Th>
            <Table.Th>Why</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {nodes.map(({ recordId, message }) => (
            <Table.Tr key={recordId}>
              <Table.Td className="numbers">{recordId}</Table.Td>
              <Table.Td>{message ?? ""}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {totalCount > nodes.length ? (
        <Text size="xs" c="dimmed">
          The first {count(nodes.length)} of {count(totalCount)}. The file has all.
        </Text>
      ) : null}
    </>
  );
}
