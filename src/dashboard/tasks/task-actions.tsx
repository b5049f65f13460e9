import { Group } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { JSX, ReactNode } from "react";
import { useState } from "react";
import { watchTask } from "../frame/watched-tasks.ts";
import { useWorkspace } from "../frame/workspace.tsx";
import type { TaskRowFragment } from "../generated/graphql.ts";
import {
  CancelTaskDocument,
  PauseTaskDocument,
  ResumeTaskDocument,
  RetryTaskDocument,
} from "../generated/graphql.ts";
import { errorText } from "../parts/error-text.ts";
import { Failure } from "../parts/notice.tsx";
import { ActionButton } from "../parts/action-button.tsx";
import { isSettled } from "./task-feed.ts";
import { STATUS_WORDS } from "./task-words.ts";

interface Action {
  readonly name: string;
  /** Why it makes no difference now; undefined where it does. */
  readonly reason: string | undefined;
  run(): Promise<Outcome>;
}

/** What a mutation answered. */
type Outcome = { readonly __typename: string; readonly message?: string; readonly task?: TaskRowFragment };

/** The buttons of a task. One that makes no difference now is disabled and says why. */
export function TaskActions(props: {
  task: TaskRowFragment;
  onChange: () => void;
  /** More buttons behind. */
  children?: ReactNode;
}): JSX.Element {
  const { task, onChange, children } = props;
  const navigate = useNavigate();
  const [busy, setBusy] = useState<string>();
  const [failure, setFailure] = useState<string>();
  const actions = useActions(task);
  const run = (action: Action): void => {
    setBusy(action.name);
    setFailure(undefined);
    action
      .run()
      .then((outcome) => {
        setFailure(outcome.message);
        onChange();
        if (outcome.__typename === "TaskLaunched" && outcome.task !== undefined) {
          watchTask(outcome.task.id);
          return navigate({ to: "/tasks/$id", params: { id: outcome.task.id } });
        }
        return undefined;
      })
      .catch((error: unknown) => setFailure(errorText(error)))
      .finally(() => setBusy(undefined));
  };
  return (
    <>
      <Group gap="xs">
        {actions.map((action) => (
          <ActionButton
            key={action.name}
            name={action.name}
            reason={action.reason}
            isBusy={busy === action.name}
            onClick={() => run(action)}
          />
        ))}
        {children}
      </Group>
      {failure === undefined ? null : <Failure message={failure} />}
    </>
  );
}

function useActions(task: TaskRowFragment): readonly Action[] {
  const { connection } = useWorkspace();
  const { id, canPause, canResume, canCancel, canRetry } = task;
  const isPaused = task.status === "PAUSED" || (task.pauseRequestedAt ?? undefined) !== undefined;
  return [
    isPaused || canResume
      ? {
          name: "Resume",
          reason: canResume ? undefined : (overReason(task) ?? "The task is not paused."),
          run: async () => (await connection.request(ResumeTaskDocument, { id })).resumeTask,
        }
      : {
          name: "Pause",
          reason: canPause ? undefined : pauseReason(task),
          run: async () => (await connection.request(PauseTaskDocument, { id })).pauseTask,
        },
    {
      name: "Cancel",
      reason: canCancel ? undefined : (overReason(task) ?? "The task was asked to stop before."),
      run: async () => (await connection.request(CancelTaskDocument, { id })).cancelTask,
    },
    {
      name: "Retry what failed",
      reason: canRetry ? undefined : retryReason(task),
      run: async () => (await connection.request(RetryTaskDocument, { id })).retryTask,
    },
  ];
}

function overReason(task: TaskRowFragment): string | undefined {
  return isSettled(task) ? `The task is over: ${STATUS_WORDS[task.status].word.toLowerCase()}.` : undefined;
}

function pauseReason(task: TaskRowFragment): string {
  const { status, kind, cancelRequestedAt } = task;
  if (cancelRequestedAt !== null && cancelRequestedAt !== undefined) {
    return "The task was asked to stop.";
  }
  if (kind === "reservation") {
    return "A reservation does nothing that could pause.";
  }
  return (
    overReason(task) ??
    (status === "WAITING"
      ? "The task waits in line, and does nothing yet. Cancel it to take it out of the line."
      : "Only a task that is queued or running can be paused.")
  );
}

function retryReason(task: TaskRowFragment): string {
  if (!isSettled(task)) {
    return "The task is not over yet.";
  }
  return task.isDryRun
    ? "A dry run changes nothing, so there is nothing to retry."
    : "There is nothing to retry: all its records were written.";
}
