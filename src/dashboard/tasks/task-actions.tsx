import { Button, Group, Tooltip } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { JSX } from "react";
import { useState } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { TaskRowFragment } from "../generated/graphql.ts";
import {
  CancelTaskDocument,
  PauseTaskDocument,
  ResumeTaskDocument,
  RetryTaskDocument,
} from "../generated/graphql.ts";
import { Failure } from "../parts/notice.tsx";
import { errorText } from "../parts/error-text.ts";

interface Action {
  readonly name: string;
  readonly isPossible: boolean;
  /** Why it is not possible. */
  readonly reason: string;
  run(): Promise<Outcome>;
}

/** What a mutation answered. */
type Outcome = { readonly __typename: string; readonly message?: string; readonly task?: TaskRowFragment };

/** The buttons of a task. One that makes no difference now is disabled and says why. */
export function TaskActions(props: { task: TaskRowFragment; onChange: () => void }): JSX.Element {
  const { task, onChange } = props;
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
        return outcome.__typename === "TaskLaunched" && outcome.task !== undefined
          ? navigate({ to: "/tasks/$id", params: { id: outcome.task.id } })
          : undefined;
      })
      .catch((error: unknown) => setFailure(errorText(error)))
      .finally(() => setBusy(undefined));
  };
  return (
    <>
      <Group gap="xs">
        {actions.map((action) => (
          <Tooltip key={action.name} label={action.reason} disabled={action.isPossible}>
            <Button
              size="xs"
              variant="default"
              loading={busy === action.name}
              data-disabled={action.isPossible ? undefined : true}
              aria-disabled={!action.isPossible}
              onClick={() => (action.isPossible ? run(action) : undefined)}
            >
              {action.name}
            </Button>
          </Tooltip>
        ))}
      </Group>
      {failure === undefined ? null : <Failure message={failure} />}
    </>
  );
}

function useActions(task: TaskRowFragment): readonly Action[] {
  const { connection } = useWorkspace();
  const { id, canPause, canResume, canCancel, canRetry, isDryRun } = task;
  const isPaused = task.status === "PAUSED" || (task.pauseRequestedAt ?? undefined) !== undefined;
  return [
    isPaused || canResume
      ? {
          name: "Resume",
          isPossible: canResume,
          reason: "The task is not paused.",
          run: async () => (await connection.request(ResumeTaskDocument, { id })).resumeTask,
        }
      : {
          name: "Pause",
          isPossible: canPause,
          reason: "Only a task that is queued or running can be paused.",
          run: async () => (await connection.request(PauseTaskDocument, { id })).pauseTask,
        },
    {
      name: "Cancel",
      isPossible: canCancel,
      reason: "The task is over, or was asked to stop before.",
      run: async () => (await connection.request(CancelTaskDocument, { id })).cancelTask,
    },
    {
      name: "Retry what failed",
      isPossible: canRetry,
      reason: isDryRun
        ? "A dry run changes nothing, so there is nothing to retry."
        : "There is nothing to retry: the task is not over, or it wrote all its records.",
      run: async () => (await connection.request(RetryTaskDocument, { id })).retryTask,
    },
  ];
}
