import { Skeleton, Stack, Table, Text } from "@mantine/core";
import type { JSX } from "react";
import { useEffect, useState } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { RecordOutcome, TaskRecordsQuery, TaskRowFragment } from "../generated/graphql.ts";
import { TaskRecordsDocument } from "../generated/graphql.ts";
import type { Window } from "../models/list-document.ts";
import { windowVariables } from "../models/list-document.ts";
import type { Reference } from "../models/shape.ts";
import { PageLink } from "../parts/link.tsx";
import { Failure } from "../parts/notice.tsx";
import { PageButtons } from "../parts/pager.tsx";
import { Section } from "../parts/section.tsx";
import { useAnswer, usePaced } from "../parts/use-answer.ts";
import { useRecordNames } from "../records/record-names.ts";
import { isSettled } from "./task-feed.ts";
import { count, OUTCOMES } from "./task-words.ts";

const PAGE_SIZE = 20;
const REFRESH_MS = 2000;
const OUTCOME_ORDER: readonly RecordOutcome[] = ["FAILED", "SKIPPED", "SUCCEEDED", "UNPROCESSED"];

/** How many of the task's records have the outcome. */
function numberOf({ progress }: TaskRowFragment, outcome: RecordOutcome): number {
  const { succeeded, failed, skipped, total, processed } = progress;
  const numbers: Readonly<Record<RecordOutcome, number>> = {
    FAILED: failed,
    SKIPPED: skipped,
    SUCCEEDED: succeeded,
    UNPROCESSED: Math.max(0, (total ?? processed) - processed),
  };
  return numbers[outcome];
}

/** The records of a bulk task by what became of them, and why; the numbers are the filter. */
export function TaskRecords({ task }: { task: TaskRowFragment }): JSX.Element {
  const { failed, skipped } = task.progress;
  const [chosen, choose] = useState<RecordOutcome>();
  const guess = failed > 0 ? "FAILED" : skipped > 0 ? "SKIPPED" : "SUCCEEDED";
  const outcome = chosen ?? guess;
  return (
    <Section title="Records">
      <div className="toggles" role="group" aria-label="Outcome">
        {OUTCOME_ORDER.map((value) => (
          <button
            key={value}
            type="button"
            data-outcome={value}
            aria-pressed={value === outcome}
            onClick={() => choose(value)}
          >
            <i className={`dot dot-${OUTCOMES[value].color}`} aria-hidden="true" />
            {OUTCOMES[value].word} <span className="numbers">{count(numberOf(task, value))}</span>
          </button>
        ))}
      </div>
      <OutcomePages key={outcome} task={task} outcome={outcome} />
    </Section>
  );
}

function OutcomePages(props: { task: TaskRowFragment; outcome: RecordOutcome }): JSX.Element {
  const { task, outcome } = props;
  const { connection } = useWorkspace();
  const [window, setWindow] = useState<Window>({});
  // While the task runs, the list is read again when its number has changed.
  const version = usePacedValue(`${numberOf(task, outcome)} ${isSettled(task)}`);
  const answer = useAnswer(JSON.stringify([task.id, outcome, window, version]), async () => {
    const variables = { id: task.id, outcome, ...windowVariables(window, PAGE_SIZE) };
    return (await connection.request(TaskRecordsDocument, variables)).task?.records;
  });
  const { data } = answer;
  if (answer.error !== undefined && data === undefined) {
    return <Failure message={answer.error} onRetry={answer.reload} />;
  }
  if (data === undefined) {
    return <Skeleton height={120} />;
  }
  const { pageInfo } = data;
  return (
    <Stack gap="xs">
      <OutcomeTable task={task} records={data} />
      <PageButtons page={pageInfo} onGo={setWindow} />
    </Stack>
  );
}

/** The value, changed at most every two seconds. */
function usePacedValue(value: string): string {
  const [shown, setShown] = useState(value);
  const follow = usePaced(() => setShown(value), REFRESH_MS);
  useEffect(() => (shown === value ? undefined : follow()), [follow, shown, value]);
  return shown;
}

type TaskRecordPage = NonNullable<TaskRecordsQuery["task"]>["records"];

function OutcomeTable(props: { task: TaskRowFragment; records: TaskRecordPage }): JSX.Element {
  const { task, records } = props;
  const { models } = useWorkspace();
  const { nodes } = records;
  const hasReasons = nodes.some(({ message }) => (message ?? "") !== "");
  const model = models.find(({ name, one }) => name === task.model && one !== undefined);
  const own: Reference = { model: task.model ?? "", field: undefined };
  const nameOf = useRecordNames([{ reference: own, values: nodes.map(({ recordId }) => recordId) }]);
  if (nodes.length === 0) {
    return (
      <Text size="sm" c="dimmed" py="md">
        {task.progress.processed > 0 || isSettled(task) ? "None." : "None so far."}
      </Text>
    );
  }
  return (
    <Table verticalSpacing={4} aria-label="Records">
      <Table.Thead>
        <Table.Tr>
          <Table.Th w={160}>Record</Table.Th>
          {hasReasons ? <Table.Th>Why</Table.Th> : null}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {nodes.map(({ recordId, message }) => (
          <Table.Tr key={recordId}>
            <Table.Td className="numbers">
              {model === undefined ? (
                nameOf(own, recordId)
              ) : (
                <PageLink to="/records/$model/$id" params={{ model: model.name, id: recordId }} size="sm">
                  {nameOf(own, recordId)}
                </PageLink>
              )}
            </Table.Td>
            {hasReasons ? <Table.Td className="sentence">{message ?? ""}</Table.Td> : null}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
