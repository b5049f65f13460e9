import { useMediaQuery } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import type { JSX, KeyboardEvent } from "react";
import { memo, useEffect, useLayoutEffect, useRef } from "react";
import { useLiveTask } from "../frame/workspace.tsx";
import type { TaskRowFragment } from "../generated/graphql.ts";
import { PageLink } from "../parts/link.tsx";
import { PlainTime } from "../parts/time-text.tsx";
import { StatusBadge, TaskBar, TaskCounts } from "./task-bar.tsx";
import { taskTitle } from "./task-words.ts";
import type { ListedTask, TaskList } from "./use-task-list.ts";
import { useVisibleRows } from "./use-visible-rows.ts";

const ROW_HEIGHT = 52;
const NARROW_ROW_HEIGHT = 92;
/** So near to an end of what was read, the next page is asked for. */
const NEAR_ROWS = 30;
/** The address follows the list once it stands still for so long. */
const STILL_MS = 300;

/**
 * The list of tasks. Only rows in sight are drawn, however many were read.
 * @param props.onPlace told behind which place the rows in sight begin, once the list stands still
 */
export function TaskRows(props: {
  list: TaskList;
  onPlace: (cursor: string | undefined) => void;
}): JSX.Element {
  const { list, onPlace } = props;
  const { rows, hasOlder, hasNewer } = list;
  const box = useRef<HTMLDivElement>(null);
  const isNarrow = useMediaQuery("(max-width: 48em)") ?? false;
  const height = isNarrow ? NARROW_ROW_HEIGHT : ROW_HEIGHT;
  const { first, last, top } = useVisibleRows(box, { count: rows.length, height });
  useEndlessReading(list, { first, last, box, height });
  usePlace(rows, top, hasNewer, onPlace);
  const keyed = useRowKeys(box, rows.length);
  return (
    <div
      ref={box}
      className="tasks"
      role="table"
      aria-label="Tasks"
      aria-rowcount={hasOlder || hasNewer ? -1 : rows.length}
      onKeyDown={keyed}
    >
      <div className="task-row task-head" role="row">
        <span role="columnheader">Task</span>
        <span role="columnheader">Status</span>
        <span role="columnheader">Progress</span>
        <span role="columnheader">Launched</span>
      </div>
      <div role="rowgroup" className="task-rows" style={{ height: rows.length * height }}>
        {rows.slice(first, last + 1).map(({ task }, at) => (
          <div
            key={task.id}
            className="task-place"
            style={{ transform: `translateY(${(first + at) * height}px)`, height }}
            role="presentation"
          >
            <TaskLine task={task} at={first + at} />
          </div>
        ))}
      </div>
    </div>
  );
}

/**
 * Asks for the pages before and behind what is in sight. Rows that come in front do not move what one looks at, unless that is
 * the newest task: then one sees the next newest come.
 */
function useEndlessReading(
  list: TaskList,
  sight: {
    readonly first: number;
    readonly last: number;
    readonly box: { readonly current: HTMLDivElement | null };
    readonly height: number;
  },
): void {
  const { rows, hasOlder, hasNewer, readOlder, readNewer } = list;
  const { first, last, box, height } = sight;
  const newest = rows[0]?.task.id;
  const before = useRef({ newest, hasNewer });
  useLayoutEffect(() => {
    const { newest: known } = before.current;
    const added = known === undefined ? -1 : rows.findIndex(({ task }) => task.id === known);
    const element = box.current;
    if (added > 0 && element !== null && (element.scrollTop > 0 || before.current.hasNewer)) {
      element.scrollTop += added * height;
    }
    before.current = { newest, hasNewer };
  }, [box, hasNewer, height, newest, rows]);
  useEffect(() => {
    if (hasOlder && last > rows.length - NEAR_ROWS) {
      readOlder();
    }
  }, [hasOlder, last, readOlder, rows.length]);
  useEffect(() => {
    if (hasNewer && first < NEAR_ROWS) {
      void readNewer();
    }
  }, [first, hasNewer, readNewer, rows.length]);
}

/** Tells the address where the list stands. */
function usePlace(
  rows: readonly ListedTask[],
  at: number,
  hasNewer: boolean,
  onPlace: (cursor: string | undefined) => void,
): void {
  const latest = useRef(onPlace);
  latest.current = onPlace;
  const above = rows.slice(0, at).findLast(({ cursor }) => cursor !== undefined)?.cursor;
  const isKnown = rows.length > 0 && !(above === undefined && hasNewer);
  useEffect(() => {
    const timer = isKnown ? setTimeout(() => latest.current(above), STILL_MS) : undefined;
    return () => clearTimeout(timer);
  }, [above, isKnown]);
}

/** Arrows move between rows. */
function useRowKeys(
  box: { readonly current: HTMLDivElement | null },
  rowCount: number,
): (event: KeyboardEvent) => void {
  return (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = (event.target as HTMLElement).closest<HTMLElement>("[data-at]");
    if (step === undefined || row === null) {
      return;
    }
    event.preventDefault();
    const next = Math.min(rowCount - 1, Math.max(0, Number(row.dataset["at"]) + step));
    // The rows beside those in sight are drawn already; focus scrolls to them.
    box.current?.querySelector<HTMLElement>(`[data-at="${next}"]`)?.focus();
  };
}

/** One task. Made of plain elements: many are made anew while one scrolls. */
const TaskLine = memo(function TaskLine(props: { task: TaskRowFragment; at: number }): JSX.Element {
  const task = useLiveTask(props.task);
  const navigate = useNavigate();
  const open = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && event.target === event.currentTarget) {
      void navigate({ to: "/tasks/$id", params: { id: task.id } });
    }
  };
  return (
    <div
      className="task-row"
      role="row"
      data-task={task.id}
      data-at={props.at}
      tabIndex={props.at === 0 ? 0 : -1}
      onKeyDown={open}
    >
      <span role="cell" className="task-name">
        <PageLink to="/tasks/$id" params={{ id: task.id }} size="sm">
          {taskTitle(task)}
        </PageLink>
        <small>{task.createdBy ?? "anonymous"}</small>
      </span>
      <span role="cell">
        <StatusBadge task={task} />
      </span>
      <span role="cell" className="task-progress">
        <TaskBar task={task} isThin />
        <TaskCounts task={task} />
      </span>
      <span role="cell">
        <PlainTime at={task.createdAt} />
      </span>
    </div>
  );
});

/** A few tasks, all drawn. */
export function TaskTable(props: { title: string; tasks: readonly TaskRowFragment[] }): JSX.Element {
  return (
    <div className="tasks" role="table" aria-label={props.title}>
      {props.tasks.map((task, at) => (
        <TaskLine key={task.id} task={task} at={at} />
      ))}
    </div>
  );
}
