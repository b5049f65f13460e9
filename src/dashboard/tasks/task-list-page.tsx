import { Group, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { JSX } from "react";
import { useRef } from "react";
import { PageLink } from "../parts/link.tsx";
import { Empty, Failure } from "../parts/notice.tsx";
import { useWorkspace } from "../frame/workspace.tsx";
import { TaskFilters } from "./task-filters.tsx";
import { TaskRows } from "./task-rows.tsx";
import { taskWhereOf } from "./task-search.ts";
import { count } from "./task-words.ts";
import type { TaskList } from "./use-task-list.ts";
import { useTaskList } from "./use-task-list.ts";

/** All tasks that one may see, the newest first. */
export function TaskListPage(): JSX.Element {
  const search = useSearch({ from: "/tasks" });
  const navigate = useNavigate();
  const { after, ...filters } = search;
  const asked = useWhere(filters);
  const list = useTaskList(asked, after);
  const { counts } = list;
  const chosen = search.status ?? [...(counts?.keys() ?? [])];
  const total = chosen.reduce((sum, status) => sum + (counts?.get(status) ?? 0), 0);
  const place = (cursor: string | undefined): void => {
    if (cursor !== after) {
      void navigate({
        to: "/tasks",
        search: { ...filters, ...(cursor === undefined ? {} : { after: cursor }) },
        replace: true,
        resetScroll: false,
      });
    }
  };
  return (
    <Stack gap="sm" className="task-page">
      <Group gap="sm" align="baseline">
        <Title order={1} size="h3">
          Tasks
        </Title>
        <Text c="dimmed" size="sm" className="numbers" data-total={counts === undefined ? undefined : total}>
          {counts === undefined ? "" : count(total)}
        </Text>
      </Group>
      <TaskFilters search={search} counts={counts} />
      {list.error === undefined ? null : <Failure message={list.error} onRetry={list.reload} />}
      <ListBody list={list} isFiltered={Object.keys(filters).length > 0} onPlace={place} />
    </Stack>
  );
}

/** The filter of the address, the same as long as the address is: "the last hour" begins when it is chosen. */
function useWhere(filters: object): ReturnType<typeof taskWhereOf> {
  const key = JSON.stringify(filters);
  const known = useRef<{ key: string; where: ReturnType<typeof taskWhereOf> }>(undefined);
  if (known.current?.key !== key) {
    known.current = { key, where: taskWhereOf(filters, Date.now()) };
  }
  return known.current.where;
}

function ListBody(props: {
  list: TaskList;
  isFiltered: boolean;
  onPlace: (cursor: string | undefined) => void;
}): JSX.Element {
  const { list, isFiltered, onPlace } = props;
  const { models } = useWorkspace();
  const [first] = models;
  if (!list.isReady) {
    return list.error === undefined ? <RowSkeletons /> : <></>;
  }
  if (list.rows.length > 0) {
    return <TaskRows key={list.key} list={list} onPlace={onPlace} />;
  }
  return isFiltered ? (
    <Empty>No task is like that. Take a filter away to see more.</Empty>
  ) : (
    <Empty
      action={
        first === undefined ? undefined : (
          <PageLink to="/records/$model" params={{ model: first.name }} size="sm">
            Open {first.title}
          </PageLink>
        )
      }
    >
      No tasks yet. Whoever changes many records at once starts one: choose rows of a model, and edit them.
    </Empty>
  );
}

const SKELETONS = 8;

/** As high as the rows that will come. */
function RowSkeletons(): JSX.Element {
  return (
    <div className="tasks" role="status" aria-label="Loading tasks">
      {Array.from({ length: SKELETONS }, (_, at) => (
        <div key={at} className="task-row">
          <Skeleton height={14} w="70%" />
          <Skeleton height={14} w={70} />
          <Skeleton height={8} />
          <Skeleton height={14} w={60} />
        </div>
      ))}
    </div>
  );
}
