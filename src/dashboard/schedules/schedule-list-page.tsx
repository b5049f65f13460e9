import { Badge, Button, Code, Group, Skeleton, Stack, Table, Text, Title } from "@mantine/core";
import type { JSX } from "react";
import { useEffect, useState } from "react";
import { watchTask } from "../frame/watched-tasks.ts";
import { useLiveTask, useWorkspace } from "../frame/workspace.tsx";
import type { ScheduleRowFragment, TaskRowFragment } from "../generated/graphql.ts";
import {
  PauseScheduleDocument,
  ResumeScheduleDocument,
  RunScheduleDocument,
  SchedulesDocument,
} from "../generated/graphql.ts";
import { inWords } from "../models/model.ts";
import { PageLink } from "../parts/link.tsx";
import { Empty, Failure } from "../parts/notice.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { useAnswer, usePaced } from "../parts/use-answer.ts";
import { StatusBadge } from "../tasks/task-bar.tsx";
import { errorText } from "../parts/error-text.ts";

const REFRESH_MS = 1000;
const EXAMPLE = `schedules: [{ name: "nightly", cron: "0 3 * * *", task: myTask }]`;

/** What a mutation answered; a refusal has a message. */
type Answered = { readonly __typename: string; readonly message?: string };

/** When which tasks launch by themselves. */
export function ScheduleListPage(): JSX.Element {
  const { connection, feed } = useWorkspace();
  const answer = useAnswer(
    "schedules",
    async () => (await connection.request(SchedulesDocument, {})).schedules,
  );
  const [failure, setFailure] = useState<string>();
  const refresh = usePaced(answer.reload, REFRESH_MS);
  useEffect(() => feed.listen(({ type }) => (type === "PROGRESS" ? undefined : refresh())), [feed, refresh]);
  const act = (action: () => Promise<Answered>): void => {
    setFailure(undefined);
    action()
      .then(({ message }) => setFailure(message))
      .catch((error: unknown) => setFailure(errorText(error)))
      .finally(answer.reload);
  };
  const { data } = answer;
  return (
    <Stack>
      <Title order={1} size="h3">
        Schedules
      </Title>
      {failure === undefined ? null : <Failure message={failure} />}
      {answer.error === undefined ? null : <Failure message={answer.error} onRetry={answer.reload} />}
      {data === undefined ? (
        answer.error === undefined ? (
          <Skeleton height={160} />
        ) : null
      ) : data.length === 0 ? (
        <Empty action={<Code>{EXAMPLE}</Code>}>
          No task launches by itself. Schedules stand in the project&apos;s config file, such as:
        </Empty>
      ) : (
        <Table.ScrollContainer minWidth={720}>
          <Table verticalSpacing="xs">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Schedule</Table.Th>
                <Table.Th>When</Table.Th>
                <Table.Th>Next</Table.Th>
                <Table.Th>Last</Table.Th>
                <Table.Th w={200}>
                  <span className="sr-only">Actions</span>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data.map((schedule) => (
                <ScheduleTableRow key={schedule.name} schedule={schedule} onAct={act} />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Stack>
  );
}

function ScheduleTableRow(props: {
  schedule: ScheduleRowFragment;
  onAct: (action: () => Promise<Answered>) => void;
}): JSX.Element {
  const { schedule, onAct } = props;
  const { connection } = useWorkspace();
  const { name, isPaused, nextRunAt, lastTask } = schedule;
  const run = async (): Promise<Answered> => {
    const { runSchedule } = await connection.request(RunScheduleDocument, { name });
    if (runSchedule.__typename === "TaskLaunched") {
      watchTask(runSchedule.task.id);
      return { __typename: runSchedule.__typename };
    }
    return runSchedule;
  };
  const pause = async (): Promise<Answered> =>
    isPaused
      ? (await connection.request(ResumeScheduleDocument, { name })).resumeSchedule
      : (await connection.request(PauseScheduleDocument, { name })).pauseSchedule;
  return (
    <Table.Tr data-schedule={name}>
      <Table.Td>
        <Text size="sm">{inWords(name)}</Text>
        <Text size="xs" c="dimmed">
          {schedule.kind}
        </Text>
      </Table.Td>
      <Table.Td>
        <Text size="sm">{schedule.cronInWords}</Text>
        <Text size="xs" c="dimmed">
          {schedule.timeZone}
        </Text>
      </Table.Td>
      <Table.Td>
        {isPaused ? (
          <>
            <Badge variant="light" color="yellow" tt="none">
              Paused
            </Badge>
            <Text size="xs" c="dimmed">
              {schedule.pausedBy ? `by ${schedule.pausedBy}` : ""}
            </Text>
          </>
        ) : nextRunAt === null || nextRunAt === undefined ? (
          "–"
        ) : (
          <>
            <Text size="sm">{new Date(nextRunAt).toLocaleString()}</Text>
            <TimeText at={nextRunAt} />
          </>
        )}
      </Table.Td>
      <Table.Td>
        {lastTask === null || lastTask === undefined ? (
          <Text size="sm">{schedule.lastMessage ?? "never"}</Text>
        ) : (
          <LastTask task={lastTask} at={schedule.lastRunAt ?? lastTask.createdAt} />
        )}
      </Table.Td>
      <Table.Td>
        <Group gap="xs" wrap="nowrap">
          <Button size="xs" variant="default" onClick={() => onAct(run)}>
            Run now
          </Button>
          <Button size="xs" variant="subtle" onClick={() => onAct(pause)}>
            {isPaused ? "Resume" : "Pause"}
          </Button>
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}

/** The task that a schedule launched last, as it is now. */
function LastTask(props: { task: TaskRowFragment; at: string }): JSX.Element {
  const task = useLiveTask(props.task);
  return (
    <Group gap="xs">
      <PageLink to="/tasks/$id" params={{ id: task.id }} size="sm">
        <TimeText at={props.at} />
      </PageLink>
      <StatusBadge task={task} />
    </Group>
  );
}
