import { useCallback, useEffect, useRef, useState } from "react";
import type { Connection } from "../api/connection.ts";
import { useReturn, useWorkspace } from "../frame/workspace.tsx";
import type { TaskRowFragment, TaskStatus, TaskWhere } from "../generated/graphql.ts";
import { TaskListDocument, TaskNumbersDocument } from "../generated/graphql.ts";
import { errorText } from "../parts/error-text.ts";
import { useAnswer, usePaced } from "../parts/use-answer.ts";
import { isAmong } from "./task-search.ts";

/** A task in the list. */
export interface ListedTask {
  readonly task: TaskRowFragment;
  /** Its place, for the address; undefined for one that came while the page was open. */
  readonly cursor: string | undefined;
}

/** The part of the list that was read. It begins with the newest task, and grows at both ends. */
interface Part {
  /** The filter that it was read for. */
  readonly key: string;
  readonly rows: readonly ListedTask[];
  readonly hasNewer: boolean;
  readonly hasOlder: boolean;
}

/** The list of tasks, as far as it was read. */
export interface TaskList extends Part {
  /** Undefined until it was read. */
  readonly counts: ReadonlyMap<TaskStatus, number> | undefined;
  readonly error: string | undefined;
  readonly isReady: boolean;
  readonly readOlder: () => void;
  /** @returns how many were put in front */
  readonly readNewer: () => Promise<number>;
  readonly reload: () => void;
}

const PAGE_SIZE = 100;
const MERGE_MS = 200;
const COUNT_MS = 1000;

/**
 * Reads the list page by page, and keeps it as it is in the service: tasks come, change and go with their events.
 * @param start the place behind which it begins; later changes of it are not followed
 */
export function useTaskList(where: TaskWhere, start: string | undefined): TaskList {
  const key = JSON.stringify(where);
  const [part, setPart] = useState<Part>({ key: "", rows: [], hasNewer: false, hasOlder: false });
  const [error, setError] = useState<string>();
  const [turn, setTurn] = useState(0);
  const first = useRef(start);
  first.current = part.key === key ? first.current : start;
  const { read, forget } = usePageReader(key, setPart, setError);
  useEffect(() => {
    forget();
    const window = first.current === undefined ? {} : { after: first.current };
    void read({ first: PAGE_SIZE, ...window }, (_now, found) => found);
  }, [forget, read, turn]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  const isReady = part.key === key;
  useReturn(() => {
    if (error !== undefined || !isReady) {
      reload();
    } else if (!part.hasNewer) {
      void read({ first: PAGE_SIZE }, (now, found) => merged(now, tasksOf(found), where));
    }
  });
  useMerging(isReady, setPart, where);
  const counts = useTaskCounts(where);
  return {
    ...part,
    counts,
    error,
    isReady,
    reload,
    readOlder() {
      const after = edgeOf(part.rows.toReversed());
      if (isReady && part.hasOlder && after !== undefined) {
        void read({ first: PAGE_SIZE, after }, (now, found) => joined(now, found, "OLDER"));
      }
    },
    async readNewer() {
      const before = edgeOf(part.rows);
      return isReady && part.hasNewer && before !== undefined
        ? read({ last: PAGE_SIZE, before }, (now, found) => joined(now, found, "NEWER"))
        : 0;
    },
  };
}

/** Reads one page at a time. */
function usePageReader(
  key: string,
  setPart: (change: (now: Part) => Part) => void,
  setError: (error: string | undefined) => void,
): {
  /** @returns how many rows came */
  readonly read: (window: Window, join: (now: Part, found: Part) => Part) => Promise<number>;
  /** Drops what is on its way. */
  readonly forget: () => void;
} {
  const { connection } = useWorkspace();
  const reading = useRef<object>(undefined);

  const read = useCallback(
    async (window: Window, join: (now: Part, found: Part) => Part): Promise<number> => {
      if (reading.current !== undefined) {
        return 0;
      }
      const own = {};
      reading.current = own;
      try {
        const found = await readPart(connection, JSON.parse(key) as TaskWhere, window);
        if (reading.current === own) {
          setPart((now) => join(now, found));
          setError(undefined);
        }
        return found.rows.length;
      } catch (failure) {
        setError(reading.current === own ? errorText(failure) : undefined);
        return 0;
      } finally {
        reading.current = reading.current === own ? undefined : reading.current;
      }
    },
    [connection, key, setError, setPart],
  );
  const forget = useCallback(() => {
    reading.current = undefined;
  }, []);
  return { read, forget };
}

/** The first place that the address can name. */
function edgeOf(rows: readonly ListedTask[]): string | undefined {
  return rows.find(({ cursor }) => cursor !== undefined)?.cursor;
}

function tasksOf({ rows }: Part): ReadonlyMap<string, TaskRowFragment> {
  return new Map(rows.map(({ task }) => [task.id, task]));
}

interface Window {
  readonly first?: number;
  readonly after?: string;
  readonly last?: number;
  readonly before?: string;
}

async function readPart(connection: Connection, where: TaskWhere, window: Window): Promise<Part> {
  const { tasks } = await connection.request(TaskListDocument, { where, ...window });
  return {
    key: JSON.stringify(where),
    rows: tasks.edges.map(({ cursor, node }) => ({ cursor, task: node })),
    hasNewer: tasks.pageInfo.hasPreviousPage,
    hasOlder: tasks.pageInfo.hasNextPage,
  };
}

function joined(now: Part, found: Part, side: "OLDER" | "NEWER"): Part {
  if (now.key !== found.key) {
    return now;
  }
  const known = new Set(now.rows.map(({ task }) => task.id));
  const fresh = found.rows.filter(({ task }) => !known.has(task.id));
  return side === "OLDER"
    ? { ...now, rows: [...now.rows, ...fresh], hasOlder: found.hasOlder }
    : { ...now, rows: [...fresh, ...now.rows], hasNewer: found.hasNewer };
}

/** Puts tasks that events tell of into the list, and takes those out that the filter no longer has. */
function useMerging(
  isReady: boolean,
  setPart: (change: (now: Part) => Part) => void,
  where: TaskWhere,
): void {
  const { feed } = useWorkspace();
  const heard = useRef(new Map<string, TaskRowFragment>());
  const latest = useRef(where);
  latest.current = where;
  const merge = usePaced(() => {
    const tasks = heard.current;
    heard.current = new Map();
    setPart((now) => merged(now, tasks, latest.current));
  }, MERGE_MS);
  useEffect(
    () =>
      feed.listen(({ task, type }) => {
        // Bars are drawn from the feed itself.
        if (type !== "PROGRESS" && isReady) {
          heard.current.set(task.id, task);
          merge();
        }
      }),
    [feed, isReady, merge],
  );
}

function merged(now: Part, tasks: ReadonlyMap<string, TaskRowFragment>, where: TaskWhere): Part {
  const kept = now.rows.flatMap((row) => {
    const task = tasks.get(row.task.id);
    return task === undefined ? row : isAmong(where, task) ? { ...row, task } : [];
  });
  const known = new Set(now.rows.map(({ task }) => task.id));
  const [newest, oldest] = [kept.at(0)?.task.id, kept.at(-1)?.task.id];
  const fresh = [...tasks.values()].filter(
    ({ id }) =>
      !known.has(id) &&
      // Ids sort by time. What lies beyond the part is read with its page.
      !(now.hasNewer && newest !== undefined && id > newest) &&
      !(now.hasOlder && oldest !== undefined && id < oldest),
  );
  const added = fresh
    .filter((task) => isAmong(where, task))
    .map((task): ListedTask => ({ task, cursor: undefined }));
  const rows =
    added.length === 0
      ? kept
      : [...kept, ...added].toSorted((one, other) => (one.task.id < other.task.id ? 1 : -1));
  return { ...now, rows };
}

/** How many tasks there are of each status, whatever statuses are shown. */
function useTaskCounts({ statuses: _all, ...where }: TaskWhere): ReadonlyMap<TaskStatus, number> | undefined {
  const { connection, feed } = useWorkspace();
  const { data, reload } = useAnswer(
    `counts ${JSON.stringify(where)}`,
    async () => (await connection.request(TaskNumbersDocument, { where })).tasks.countByStatus,
  );
  const refresh = usePaced(reload, COUNT_MS);
  useEffect(() => feed.listen(({ type }) => (type === "PROGRESS" ? undefined : refresh())), [feed, refresh]);
  return data && new Map(data.map(({ status, count }) => [status, count]));
}
