import { Box, Group, MultiSelect, Stack, Table, Text, Title } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { JSX } from "react";
import { useEffect } from "react";
import { TimeText } from "../parts/time-text.tsx";
import { useLiveTask, useWorkspace } from "../frame/workspace.tsx";
import type { TaskRowFragment, TaskStatus, TaskWhere } from "../generated/graphql.ts";
import { TasksDocument } from "../generated/graphql.ts";
import { PageLink } from "../parts/link.tsx";
import { Empty, Failure } from "../parts/notice.tsx";
import { Pager } from "../parts/pager.tsx";
import { useAnswer, usePaced } from "../parts/use-answer.ts";
import { windowVariables } from "../models/list-document.ts";
import { StatusBadge, TaskBar, TaskCounts } from "./task-bar.tsx";
import { count, STATUS_WORDS, taskTitle } from "./task-words.ts";

/** What the address keeps of the list. */
export interface TaskListSearch {
  readonly status?: readonly TaskStatus[] | undefined;
  readonly model?: readonly string[] | undefined;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
}

const PAGE_SIZE = 50;
const REFRESH_MS = 500;

export function TaskListPage(): JSX.Element {
  const { connection, feed } = useWorkspace();
  const search = useSearch({ from: "/tasks" });
  const where: TaskWhere = {
    ...(search.status === undefined ? {} : { statuses: [...search.status] }),
    ...(search.model === undefined ? {} : { models: [...search.model] }),
  };
  const window = {
    ...(search.after === undefined ? {} : { after: search.after }),
    ...(search.before === undefined ? {} : { before: search.before }),
  };
  const answer = useAnswer(JSON.stringify({ where, window }), async () => {
    const { tasks } = await connection.request(TasksDocument, {
      where,
      ...windowVariables(window, PAGE_SIZE),
    });
    feed.learn(tasks.nodes);
    return tasks;
  });
  const refresh = usePaced(answer.reload, REFRESH_MS);
  useEffect(
    () => feed.listen(({ type }) => (type === "CREATE" || type === "CLEANUP" ? refresh() : undefined)),
    [feed, refresh],
  );
  const { data } = answer;
  return (
    <Stack gap="md">
      <Group justify="space-between" align="end">
        <Group gap="sm" align="baseline">
          <Title order={1} size="h3">
            Tasks
          </Title>
          <Text c="dimmed" size="sm" className="numbers">
            {data === undefined ? "" : count(data.totalCount)}
          </Text>
        </Group>
        <TaskFilters search={search} />
      </Group>
      {answer.error === undefined ? null : <Failure message={answer.error} onRetry={answer.reload} />}
      {data !== undefined && data.nodes.length === 0 ? (
        <Empty>
          No tasks here. A bulk edit, a delete of many records or an import starts one: open a model on the
          left.
        </Empty>
      ) : (
        <TaskTable tasks={data?.nodes ?? []} />
      )}
      {data === undefined ? null : <Pager page={data.pageInfo} to="/tasks" search={search} />}
    </Stack>
  );
}

function TaskFilters({ search }: { search: TaskListSearch }): JSX.Element {
  const { models } = useWorkspace();
  const navigate = useNavigate();
  const change = (part: TaskListSearch): void =>
    void navigate({ to: "/tasks", search: { ...search, after: undefined, before: undefined, ...part } });
  const listed = (values: string[]): string[] | undefined => (values.length === 0 ? undefined : values);
  return (
    <Group gap="xs">
      <MultiSelect
        size="xs"
        aria-label="Status"
        placeholder={search.status === undefined ? "Any status" : ""}
        clearable
        data={Object.entries(STATUS_WORDS).map(([value, { word }]) => ({ value, label: word }))}
        value={[...(search.status ?? [])]}
        onChange={(values) => change({ status: listed(values) as TaskStatus[] | undefined })}
      />
      <MultiSelect
        size="xs"
        aria-label="Model"
        placeholder={search.model === undefined ? "Any model" : ""}
        clearable
        searchable
        data={models.map(({ name, title }) => ({ value: name, label: title }))}
        value={[...(search.model ?? [])]}
        onChange={(values) => change({ model: listed(values) })}
      />
    </Group>
  );
}

/** Tasks as rows with live bars. */
export function TaskTable({ tasks }: { tasks: readonly TaskRowFragment[] }): JSX.Element {
  return (
    <Table.ScrollContainer minWidth={640}>
      <Table verticalSpacing={6} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Task</Table.Th>
            <Table.Th w={180}>Status</Table.Th>
            <Table.Th w="35%">Progress</Table.Th>
            <Table.Th w={120}>Launched</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {tasks.map((task) => (
            <TaskTableRow key={task.id} task={task} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function TaskTableRow(props: { task: TaskRowFragment }): JSX.Element {
  const task = useLiveTask(props.task);
  return (
    <Table.Tr data-task={task.id}>
      <Table.Td>
        <PageLink to="/tasks/$id" params={{ id: task.id }} size="sm">
          {taskTitle(task)}
        </PageLink>
        <Text size="xs" c="dimmed">
          {task.createdBy ?? "anonymous"}
        </Text>
      </Table.Td>
      <Table.Td>
        <StatusBadge task={task} />
      </Table.Td>
      <Table.Td>
        <Box maw={420}>
          <TaskBar task={task} isThin />
          <TaskCounts task={task} />
        </Box>
      </Table.Td>
      <Table.Td>
        <TimeText at={task.createdAt} />
      </Table.Td>
    </Table.Tr>
  );
}
