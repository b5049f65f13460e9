import { Stack, Table, Text } from "@mantine/core";
import type { JSX } from "react";
import { useSyncExternalStore } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { TaskRowFragment } from "../generated/graphql.ts";
import { TaskByIdDocument, TaskPreviewDocument } from "../generated/graphql.ts";
import { inWords } from "../models/model.ts";
import { Failure } from "../parts/notice.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { TaskBar, TaskCounts } from "../tasks/task-bar.tsx";
import { isSettled } from "../tasks/task-feed.ts";
import { count, countOf } from "../tasks/task-words.ts";
import type { BulkVerb } from "./launch.ts";

const NUMBERS = new Intl.NumberFormat("en", { maximumSignificantDigits: 15 });
const RECORDS_SHOWN = 8;
const DONE_WORDS: Readonly<Record<BulkVerb, string>> = { update: "changed", delete: "deleted" };

/** What the dry run found, while it runs and when it is over. */
export function BulkPreview({ taskId, verb }: { taskId: string; verb: BulkVerb }): JSX.Element {
  const { connection, feed } = useWorkspace();
  const live = useSyncExternalStore(feed.subscribe, () => feed.read(taskId));
  const answer = useAnswer(
    taskId,
    async () => (await connection.request(TaskByIdDocument, { id: taskId })).task,
  );
  const task: TaskRowFragment | undefined = live ?? answer.data ?? undefined;
  if (task === undefined) {
    return <Text size="sm">Trying…</Text>;
  }
  const { succeeded, failed, skipped } = task.progress;
  return (
    <Stack gap={6} data-preview={isSettled(task) ? "over" : "running"}>
      <TaskBar task={task} />
      {isSettled(task) ? (
        <Text size="sm">
          {count(succeeded)} would be {DONE_WORDS[verb]}, {count(failed)} would fail, {count(skipped)} would
          be left out.
        </Text>
      ) : (
        <TaskCounts task={task} />
      )}
      {isSettled(task) ? <Sample taskId={taskId} verb={verb} /> : null}
    </Stack>
  );
}

/** Each changed field over all records, then some records as they are and as they would be. */
function Sample({ taskId, verb }: { taskId: string; verb: BulkVerb }): JSX.Element | null {
  const { connection } = useWorkspace();
  const answer = useAnswer(`preview ${taskId}`, async () => {
    const found = await connection.request(TaskPreviewDocument, { id: taskId, first: RECORDS_SHOWN });
    return found.task?.preview;
  });
  const preview = answer.data;
  if (preview === undefined || preview === null) {
    return answer.error === undefined ? null : <Failure message={answer.error} onRetry={answer.reload} />;
  }
  return (
    <>
      {preview.fields.map(({ field, changed, before, after }) => (
        <Text key={field} size="sm">
          {inWords(field)}: {count(changed)} get another value
          {before?.sum === undefined || before.sum === null
            ? "."
            : `; together ${sumText(before.sum)} → ${sumText(after?.sum)}.`}
        </Text>
      ))}
      <Table verticalSpacing={2} fz="xs" aria-label="Some of the records">
        <Table.Tbody>
          {preview.records.map(({ recordId, before, after, error }) => (
            <Table.Tr key={recordId} data-sample={recordId}>
              <Table.Td>{recordId}</Table.Td>
              <Table.Td>
                {error?.message ?? (verb === "delete" ? "would be deleted" : changesInWords(before, after))}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </>
  );
}

/** "Population 5 → 6, Notes – → x". */
function changesInWords(before: unknown, after: unknown): string {
  const [from, to] = [before, after].map((values) => (values ?? {}) as Readonly<Record<string, unknown>>);
  return Object.keys(to ?? {})
    .map((field) => `${inWords(field)} ${plainText(from?.[field])} → ${plainText(to?.[field])}`)
    .join(", ");
}

/** Sums beyond JavaScript's numbers come as text. */
function sumText(sum: unknown): string {
  return typeof sum === "string" && /^-?\d+$/.test(sum) ? NUMBERS.format(BigInt(sum)) : plainText(sum);
}

function plainText(value: unknown): string {
  if (value === null || value === undefined) {
    return "–";
  }
  if (Array.isArray(value)) {
    return value.length === 0 ? "none" : countOf(value.length, value.length === 1 ? "item" : "items");
  }
  return typeof value === "string"
    ? value
    : typeof value === "number"
      ? NUMBERS.format(value)
      : JSON.stringify(value);
}
