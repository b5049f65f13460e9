import type { AnchorProps } from "@mantine/core";
import type { JSX, ReactNode } from "react";
import type { TaskRowFragment } from "../generated/graphql.ts";
import { PageLink } from "../parts/link.tsx";
import { taskTitle } from "./task-words.ts";

/** Stands for every task that the caller may not see. */
const HIDDEN_KIND = "hidden";
const HIDDEN_WORDS = "A task that is not for you to see";

/** What names a task. */
type NamedTask = Pick<TaskRowFragment, "id" | "kind" | "label"> & Partial<Pick<TaskRowFragment, "model">>;

/** A task's name as the way to its page; of one that the caller may not see, only that there is one. */
export function TaskLink(
  props: AnchorProps & {
    task: NamedTask;
    tabIndex?: number;
    /** Stands in the place of its name. */
    children?: ReactNode;
  },
): JSX.Element {
  const { task, children, ...link } = props;
  return task.kind === HIDDEN_KIND ? (
    <>{children ?? HIDDEN_WORDS}</>
  ) : (
    <PageLink to="/tasks/$id" params={{ id: task.id }} {...link}>
      {children ?? taskName(task)}
    </PageLink>
  );
}

/** What a sentence calls the task. */
export function taskName({ kind, label, model }: NamedTask): string {
  return kind === HIDDEN_KIND ? HIDDEN_WORDS : taskTitle({ kind, label, model: model ?? null });
}
