import { Stack, Table, Text } from "@mantine/core";
import type { JSX } from "react";
import { useSyncExternalStore } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { TaskRowFragment } from "../generated/graphql.ts";
import { TaskByIdDocument, TaskPreviewDocument, TaskRecordsDocument } from "../generated/graphql.ts";
import { inWords } from "../models/model.ts";
import type { Reference, Shape } from "../models/shape.ts";
import { PageLink } from "../parts/link.tsx";
import { Failure } from "../parts/notice.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { TaskBar, TaskCounts } from "../tasks/task-bar.tsx";
import { isSettled } from "../tasks/task-feed.ts";
import { count, countOf } from "../tasks/task-words.ts";
import type { BulkVerb } from "./launch.ts";
import { useRecordNames } from "./record-names.ts";

const NUMBERS = new Intl.NumberFormat("en", { maximumSignificantDigits: 15 });
const RECORDS_SHOWN = 8;
const FAILURES_SHOWN = 5;
const NAMES_SHOWN = 3;
const DONE_WORDS: Readonly<Record<BulkVerb, string>> = { update: "changed", delete: "deleted" };

/**
 * What a dry run found, while it runs and when it is over.
 * @param props.sampleOf how many records there are in all, where it tried only the first of them
 */
export function BulkPreview(props: {
  shape: Shape;
  taskId: string;
  verb: BulkVerb;
  sampleOf?: number | undefined;
}): JSX.Element {
  const { shape, taskId, verb, sampleOf } = props;
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
  const { succeeded, failed, skipped, total } = task.progress;
  return (
    <Stack gap={6} data-preview={isSettled(task) ? "over" : "running"} data-sample-of={sampleOf}>
      {sampleOf === undefined ? <TaskBar task={task} /> : null}
      {isSettled(task) ? (
        <Text size="sm">
          {sampleOf === undefined ? "" : `Of the first ${count(total ?? 0)} of ${count(sampleOf)}: `}
          {count(succeeded)} would be {DONE_WORDS[verb]}, {count(failed)} would fail, {count(skipped)} would
          be left out.
        </Text>
      ) : (
        <TaskCounts task={task} />
      )}
      {isSettled(task) && failed > 0 ? <Failures shape={shape} taskId={taskId} /> : null}
      {isSettled(task) ? <Sample shape={shape} taskId={taskId} verb={verb} /> : null}
    </Stack>
  );
}

/** The first records that would fail, and why. */
function Failures({ shape, taskId }: { shape: Shape; taskId: string }): JSX.Element {
  const { connection } = useWorkspace();
  const answer = useAnswer(`failures ${taskId}`, async () => {
    const asked = { id: taskId, outcome: "FAILED", first: FAILURES_SHOWN } as const;
    return (await connection.request(TaskRecordsDocument, asked)).task?.records.nodes;
  });
  const records = answer.data ?? [];
  const own: Reference = { model: shape.model.name, field: undefined };
  const nameOf = useRecordNames([{ reference: own, values: records.map(({ recordId }) => recordId) }]);
  return (
    <Table verticalSpacing={2} fz="xs" aria-label="Some that would fail">
      <Table.Tbody>
        {records.map(({ recordId, message }) => (
          <Table.Tr key={recordId} data-failure={recordId}>
            <Table.Td>
              <RecordLink shape={shape} id={recordId} name={nameOf(own, recordId)} />
            </Table.Td>
            <Table.Td className="problem">{message}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

/** Opens beside the drawer: what is chosen in that stays. */
function RecordLink(props: { shape: Shape; id: string; name: string }): JSX.Element {
  const { shape, id, name } = props;
  return shape.model.one === undefined ? (
    <>{name}</>
  ) : (
    <PageLink to="/records/$model/$id" params={{ model: shape.model.name, id }} size="xs" target="_blank">
      {name}
    </PageLink>
  );
}

/** Each changed field over all records, then some records as they are and as they would be. */
function Sample(props: { shape: Shape; taskId: string; verb: BulkVerb }): JSX.Element | null {
  const { shape, taskId, verb } = props;
  const { connection } = useWorkspace();
  const answer = useAnswer(`preview ${taskId}`, async () => {
    const found = await connection.request(TaskPreviewDocument, { id: taskId, first: RECORDS_SHOWN });
    return found.task?.preview;
  });
  const preview = answer.data;
  const own: Reference = { model: shape.model.name, field: undefined };
  const records = preview?.records ?? [];
  const references = referencesOf(shape);
  const nameOf = useRecordNames([
    { reference: own, values: records.map(({ recordId }) => recordId) },
    ...[...references].map(([field, reference]) => ({
      reference,
      values: records.flatMap(({ before, after }) => [...textsOf(before, field), ...textsOf(after, field)]),
    })),
  ]);
  if (preview === undefined || preview === null) {
    return answer.error === undefined ? null : <Failure message={answer.error} onRetry={answer.reload} />;
  }
  const valueText = (field: string, value: unknown): string => {
    const reference = references.get(field);
    const texts = reference === undefined ? [] : textsOfValue(value);
    return reference === undefined || texts.length === 0
      ? plainText(value)
      : listText(texts.map((text) => nameOf(reference, text)));
  };
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
          {records.map(({ recordId, before, after, error }) => (
            <Table.Tr key={recordId} data-sample={recordId}>
              <Table.Td>
                <RecordLink shape={shape} id={recordId} name={nameOf(own, recordId)} />
              </Table.Td>
              <Table.Td className={error === null || error === undefined ? undefined : "problem"}>
                {error?.message ??
                  (verb === "delete" ? "would be deleted" : changesInWords(before, after, valueText))}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </>
  );
}

/** The fields whose values name other records. */
function referencesOf({ bulkChanges }: Shape): ReadonlyMap<string, Reference> {
  return new Map(
    bulkChanges.flatMap(({ name, verbs }) => {
      const reference = verbs.find((verb) => verb.name === "set")?.refersTo;
      return reference === undefined ? [] : [[name, reference] as const];
    }),
  );
}

/** What names other records in a field of a sample. */
function textsOf(values: unknown, field: string): readonly string[] {
  return textsOfValue((values as Readonly<Record<string, unknown>> | null | undefined)?.[field]);
}

function textsOfValue(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value])
    .filter((one) => typeof one === "string" || typeof one === "number")
    .map(String);
}

function listText(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN;
  return `${names.slice(0, NAMES_SHOWN).join(", ")}${more > 0 ? ` and ${count(more)} more` : ""}`;
}

/** "Population 5 → 6, Notes – → x". */
function changesInWords(
  before: unknown,
  after: unknown,
  valueText: (field: string, value: unknown) => string,
): string {
  const [from, to] = [before, after].map((values) => (values ?? {}) as Readonly<Record<string, unknown>>);
  return Object.keys(to ?? {})
    .map((field) => `${inWords(field)} ${valueText(field, from?.[field])} → ${valueText(field, to?.[field])}`)
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
