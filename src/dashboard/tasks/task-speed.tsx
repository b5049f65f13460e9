import { Text } from "@mantine/core";
import type { JSX } from "react";
import { lazy, Suspense, useSyncExternalStore } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { TaskRowFragment } from "../generated/graphql.ts";
import { isSettled } from "./task-feed.ts";
import { duration, rate } from "./task-words.ts";

const SpeedChart = lazy(async () => ({ default: (await import("./speed-chart.tsx")).SpeedChart }));

/** Fewer points are no line. */
const FEWEST = 3;

/** How fast the task is, as a line over the time since the page was opened; of a task that is over, how fast it was. */
export function TaskSpeed({ task }: { task: TaskRowFragment }): JSX.Element | null {
  const { feed } = useWorkspace();
  const speeds = useSyncExternalStore(feed.subscribe, () => feed.speeds(task.id));
  const { startedAt, finishedAt, progress } = task;
  const took = startedAt && finishedAt ? Date.parse(finishedAt) - Date.parse(startedAt) : undefined;
  return (
    <>
      {took === undefined || progress.processed === 0 ? null : (
        <Text size="xs" c="dimmed" className="numbers">
          Took {took < 1000 ? `${took} ms` : duration(took)}
          {took > 0 ? `, ${rate((1000 * progress.processed) / took) ?? ""}` : ""}
        </Text>
      )}
      {speeds.length >= FEWEST ? (
        <Suspense fallback={<div className="speed-chart" />}>
          <SpeedChart speeds={speeds} />
        </Suspense>
      ) : isSettled(task) || task.status !== "RUNNING" ? null : (
        <div className="speed-chart" />
      )}
    </>
  );
}
