import type { JSX } from "react";
import type { TaskRowFragment } from "../generated/graphql.ts";
import { isSettled } from "./task-feed.ts";
import { count, rate, STATUS_WORDS, timeLeft } from "./task-words.ts";

// Plain elements: long lists draw many of these anew.

/** The status as a word and a colour. */
export function StatusBadge(props: { task: Pick<TaskRowFragment, "status" | "isDryRun"> }): JSX.Element {
  const { word, color } = STATUS_WORDS[props.task.status];
  return (
    <span className="statuses">
      <span className={`status status-${color}`}>{word}</span>
      {props.task.isDryRun ? (
        <span className="status status-outline" title="It only tries: nothing is changed">
          Dry run
        </span>
      ) : null}
    </span>
  );
}

/** How far a task is, in a bar of three colours: written, failed, left out. */
export function TaskBar(props: { task: TaskRowFragment; isThin?: boolean }): JSX.Element {
  const { progress, status } = props.task;
  const { total, succeeded, failed, skipped } = progress;
  const isOver = isSettled(props.task);
  const part = (value: number): string =>
    total === null || total === undefined || total === 0 ? "0%" : `${(100 * value) / total}%`;
  const isFull = isOver && (total ?? 0) === 0 && status === "SUCCEEDED";
  const percent = isFull ? 100 : Math.round(progress.percent ?? 0);
  return (
    <span
      className={props.isThin === true ? "bar bar-thin" : "bar"}
      role="progressbar"
      aria-valuenow={percent}
      aria-label={`${percent} percent`}
    >
      <i className={isOver ? "bar-done" : "bar-going"} style={{ width: isFull ? "100%" : part(succeeded) }} />
      <i className="bar-failed" style={{ width: part(failed) }} />
      <i className="bar-skipped" style={{ width: part(skipped) }} />
    </span>
  );
}

/** "12,000 of 50,000 · 20K a second · about 2 s left". */
export function TaskCounts(props: { task: TaskRowFragment }): JSX.Element {
  return <small className="counts numbers">{countsInWords(props.task)}</small>;
}

/** The words of {@link TaskCounts}. */
export function countsInWords(task: TaskRowFragment): string {
  const { processed, total, failed, skipped, recordsPerSecond, etaMs } = task.progress;
  const isOver = isSettled(task);
  const parts = [
    total === null || total === undefined ? count(processed) : `${count(processed)} of ${count(total)}`,
    failed > 0 ? `${count(failed)} failed` : undefined,
    skipped > 0 ? `${count(skipped)} skipped` : undefined,
    isOver ? undefined : rate(recordsPerSecond),
    isOver ? undefined : timeLeft(etaMs),
  ];
  return parts.filter((part) => part !== undefined).join(" · ");
}
