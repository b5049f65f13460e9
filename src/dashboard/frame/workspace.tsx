import type { JSX, ReactNode } from "react";
import { createContext, useContext, useEffect, useRef, useSyncExternalStore } from "react";
import type { Connection, LinkState } from "../api/connection.ts";
import type { OverviewQuery, TaskRowFragment } from "../generated/graphql.ts";
import type { Model } from "../models/model.ts";
import type { SchemaReader } from "../models/shape.ts";
import type { TaskFeed } from "../tasks/task-feed.ts";
import { isSettled } from "../tasks/task-feed.ts";

/** What every page stands on. */
export interface Workspace {
  readonly connection: Connection;
  readonly feed: TaskFeed;
  readonly schema: SchemaReader;
  readonly models: readonly Model[];
  readonly viewer: Pick<OverviewQuery["viewer"], "id" | "roles">;
  /** Forgets the key. Undefined where nobody signed in. */
  readonly signOut: (() => void) | undefined;
}

const WorkspaceContext = createContext<Workspace | undefined>(undefined);

export function WorkspaceProvider(props: { workspace: Workspace; children: ReactNode }): JSX.Element {
  return <WorkspaceContext value={props.workspace}>{props.children}</WorkspaceContext>;
}

/** @throws outside of {@link WorkspaceProvider} */
export function useWorkspace(): Workspace {
  const workspace = useContext(WorkspaceContext);
  if (workspace === undefined) {
    throw new Error("useWorkspace needs a WorkspaceProvider around it");
  }
  return workspace;
}

/** The newest state of a task that a query brought. It outlives the feed's memory. */
export function useLiveTask(task: TaskRowFragment): TaskRowFragment {
  const { feed } = useWorkspace();
  const live = useSyncExternalStore(feed.subscribe, () => feed.read(task.id));
  const newest = useRef(task);
  if (live !== undefined) {
    newest.current = live;
  } else if (newest.current.id !== task.id || isSettled(task)) {
    newest.current = task;
  }
  return newest.current;
}

/** All tasks that are not settled. */
export function useRunningTasks(): readonly TaskRowFragment[] {
  const { feed } = useWorkspace();
  return useSyncExternalStore(feed.subscribe, feed.running);
}

/** Runs `action` when messages come through again. */
export function useReturn(action: () => void): void {
  const { isOnline } = useLink();
  const wasOnline = useRef(true);
  const latest = useRef(action);
  latest.current = action;
  useEffect(() => {
    if (isOnline && !wasOnline.current) {
      latest.current();
    }
    wasOnline.current = isOnline;
  }, [isOnline]);
}

/** Whether messages come through. */
export function useLink(): LinkState {
  const { connection } = useWorkspace();
  return useSyncExternalStore(connection.link.subscribe, connection.link.read);
}
