import { Button, CloseButton, Group, Paper, Stack, Text } from "@mantine/core";
import type { JSX } from "react";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { TaskRowFragment } from "../generated/graphql.ts";
import { TasksDocument } from "../generated/graphql.ts";
import { PageLink } from "../parts/link.tsx";
import { countsInWords, StatusBadge, TaskBar, TaskCounts } from "../tasks/task-bar.tsx";
import { isSettled } from "../tasks/task-feed.ts";
import { STATUS_WORDS, taskTitle } from "../tasks/task-words.ts";
import { dismissTask, useWatchedTasks } from "./watched-tasks.ts";
import { useReturn, useWorkspace } from "./workspace.tsx";

/** What this browser launched: a thin bar each, wherever one goes. Those that are over stay until they are dismissed. */
export function Tray(): JSX.Element {
  const { feed } = useWorkspace();
  const ids = useWatchedTasks();
  useLearning(ids);
  // Drawn anew with the feed, since it tells which of them are over.
  useSyncExternalStore(feed.subscribe, feed.running);
  const tasks = ids.flatMap((id) => feed.read(id) ?? []);
  const over = tasks.filter(isSettled);
  const news = useNews(ids, tasks);
  return (
    <>
      <div className="sr-only" aria-live="polite" data-news>
        {news}
      </div>
      {tasks.length === 0 ? null : <TrayItems tasks={tasks} over={over} />}
    </>
  );
}

/** What was over last, for those who do not see the bars. What was over before the page was opened is no news. */
function useNews(ids: readonly string[], tasks: readonly TaskRowFragment[]): string {
  const [news, setNews] = useState("");
  const told = useRef(new Set(ids));
  useEffect(() => {
    tasks.filter((task) => !isSettled(task)).forEach(({ id }) => told.current.delete(id));
    const ended = tasks.filter((task) => isSettled(task) && !told.current.has(task.id));
    ended.forEach(({ id }) => told.current.add(id));
    if (ended.length > 0) {
      setNews(ended.map(newsOf).join(" "));
    }
  }, [tasks]);
  return news;
}

/** "Bulk update of City: Done in part. 12 of 14, 1 failed." */
function newsOf(task: TaskRowFragment): string {
  return `${taskTitle(task)}: ${STATUS_WORDS[task.status].word}. ${countsInWords(task)}.`;
}

function TrayItems(props: {
  tasks: readonly TaskRowFragment[];
  over: readonly TaskRowFragment[];
}): JSX.Element {
  const { tasks, over } = props;
  return (
    <Paper className="tray" shadow="md" withBorder p="xs" role="region" aria-label="Your tasks" tabIndex={0}>
      <Stack gap="xs">
        {over.length > 1 ? (
          <Group justify="end">
            <Button
              size="compact-xs"
              variant="subtle"
              onClick={() => over.forEach(({ id }) => dismissTask(id))}
            >
              Dismiss all that are over
            </Button>
          </Group>
        ) : null}
        {tasks.map((task) => (
          <TrayItem key={task.id} task={task} />
        ))}
      </Stack>
    </Paper>
  );
}

/** Reads what nothing is known of: after a reload, and when the service is there again. Those that are gone are dismissed. */
function useLearning(ids: readonly string[]): void {
  const { connection, feed } = useWorkspace();
  const unknown = ids.filter((id) => feed.read(id) === undefined).join(",");
  const learn = async (asked: readonly string[]): Promise<void> => {
    if (asked.length > 0) {
      const { tasks } = await connection.request(TasksDocument, { where: { ids: [...asked] }, first: 100 });
      feed.learn(tasks.nodes);
      const found = new Set(tasks.nodes.map(({ id }) => id));
      asked.filter((id) => !found.has(id)).forEach(dismissTask);
    }
  };
  // What fails is asked again when the service is there again; the next event of a task tells it, too.
  const tryToLearn = (asked: readonly string[]): void => void learn(asked).catch(() => undefined);
  useEffect(() => tryToLearn(unknown === "" ? [] : unknown.split(",")), [connection, feed, unknown]);
  useReturn(() => tryToLearn(ids));
}

function TrayItem({ task }: { task: TaskRowFragment }): JSX.Element {
  const advice = adviceOf(task);
  return (
    <div data-tray={task.id}>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <PageLink to="/tasks/$id" params={{ id: task.id }} size="xs" truncate>
          {taskTitle(task)}
        </PageLink>
        <Group gap={4} wrap="nowrap">
          <StatusBadge task={task} />
          {isSettled(task) ? (
            <CloseButton size="xs" aria-label="Dismiss" onClick={() => dismissTask(task.id)} />
          ) : null}
        </Group>
      </Group>
      <TaskBar task={task} isThin />
      <TaskCounts task={task} />
      {advice === undefined ? null : <Text size="xs">{advice}</Text>}
    </div>
  );
}

/** What one can do about a task that did not end well, or that stands still. */
function adviceOf(task: TaskRowFragment): string | undefined {
  const { status, message } = task;
  switch (status) {
    case "FAILED":
      return `${message ?? "It was given up."} Open it to see why${task.canRetry ? ", and retry" : ""}.`;
    case "PARTIAL":
      return "Open it to see which records failed and why, and retry them.";
    case "WAITING":
      return "Waits for records that another task holds. Open it to see which.";
    case "PAUSED":
      return "Open it to resume or cancel it.";
    case "CANCELLED":
    case "PENDING":
    case "RECEIVING":
    case "RUNNING":
    case "SUCCEEDED":
    default:
      return undefined;
  }
}
