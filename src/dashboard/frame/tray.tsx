import { CloseButton, Group, Paper, Stack, Text } from "@mantine/core";
import type { JSX } from "react";
import { useEffect, useSyncExternalStore } from "react";
import { TasksDocument } from "../generated/graphql.ts";
import { PageLink } from "../parts/link.tsx";
import { StatusBadge, TaskBar, TaskCounts } from "../tasks/task-bar.tsx";
import { isSettled } from "../tasks/task-feed.ts";
import { taskTitle } from "../tasks/task-words.ts";
import { dismissTask, useWatchedTasks } from "./watched-tasks.ts";
import { useWorkspace } from "./workspace.tsx";

/** What this browser launched: a thin bar each, wherever one goes. Those that are over stay until they are dismissed. */
export function Tray(): JSX.Element | null {
  const { connection, feed } = useWorkspace();
  const ids = useWatchedTasks();
  const unknown = ids.filter((id) => feed.read(id) === undefined).join(",");
  useEffect(() => {
    if (unknown !== "") {
      connection.request(TasksDocument, { where: { ids: unknown.split(",") }, first: 100 }).then(
        ({ tasks }) => feed.learn(tasks.nodes),
        // The next event of a task tells it, too.
        () => undefined,
      );
    }
  }, [connection, feed, unknown]);
  return ids.length === 0 ? null : (
    <Paper className="tray" shadow="md" withBorder p="xs" role="region" aria-label="Your tasks">
      <Stack gap="xs">
        {ids.map((id) => (
          <TrayItem key={id} id={id} />
        ))}
      </Stack>
    </Paper>
  );
}

function TrayItem({ id }: { id: string }): JSX.Element | null {
  const { feed } = useWorkspace();
  const task = useSyncExternalStore(feed.subscribe, () => feed.read(id));
  return task === undefined ? null : (
    <div data-tray={id}>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <PageLink to="/tasks/$id" params={{ id }} size="xs" truncate>
          {taskTitle(task)}
        </PageLink>
        <Group gap={4} wrap="nowrap">
          <StatusBadge task={task} />
          {isSettled(task) ? (
            <CloseButton size="xs" aria-label="Dismiss" onClick={() => dismissTask(id)} />
          ) : null}
        </Group>
      </Group>
      <TaskBar task={task} isThin />
      <TaskCounts task={task} />
      {task.status === "FAILED" ? (
        <Text size="xs">{task.message ?? "Open it to see why, and retry."}</Text>
      ) : null}
    </div>
  );
}
