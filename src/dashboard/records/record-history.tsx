import { Skeleton, Stack, Text } from "@mantine/core";
import type { JSX } from "react";
import { useState } from "react";
import { useLiveTask, useWorkspace } from "../frame/workspace.tsx";
import type { RecordHistoryQuery } from "../generated/graphql.ts";
import { RecordHistoryDocument } from "../generated/graphql.ts";
import type { RecordRow, Window } from "../models/list-document.ts";
import { windowVariables } from "../models/list-document.ts";
import { PageLink } from "../parts/link.tsx";
import { Failure } from "../parts/notice.tsx";
import { PageButtons } from "../parts/pager.tsx";
import { Section } from "../parts/section.tsx";
import { PlainTime } from "../parts/time-text.tsx";
import { useAnswer, useOnChange } from "../parts/use-answer.ts";
import { StatusBadge } from "../tasks/task-bar.tsx";
import { isSettled } from "../tasks/task-feed.ts";
import { OUTCOMES, taskTitle } from "../tasks/task-words.ts";

const PAGE_SIZE = 5;

/** The tasks that the record was a part of, the newest first, and what became of it in each. Dry runs are left out: they change nothing. */
export function RecordHistory({ model, record }: { model: string; record: RecordRow }): JSX.Element {
  const { connection } = useWorkspace();
  const [window, setWindow] = useState<Window>({});
  const answer = useAnswer(JSON.stringify([model, record.id, window]), async () => {
    const named = { model, id: record.id };
    const variables = { record: named, ...windowVariables(window, PAGE_SIZE) };
    return (await connection.request(RecordHistoryDocument, variables)).tasks;
  });
  const { data, reload } = answer;
  useOnChange(record, reload);
  return (
    <Section title="What tasks did with it">
      {data === undefined ? (
        answer.error === undefined ? (
          <Skeleton height={60} />
        ) : (
          <Failure message={answer.error} onRetry={reload} />
        )
      ) : data.nodes.length === 0 ? (
        <Text size="xs" c="dimmed">
          No task that you see has changed it.
        </Text>
      ) : (
        <Stack gap="xs">
          <ul className="history">
            {data.nodes.map((task) => (
              <HistoryLine key={task.id} task={task} />
            ))}
          </ul>
          <PageButtons page={data.pageInfo} onGo={setWindow} />
        </Stack>
      )}
    </Section>
  );
}

type HistoryTask = RecordHistoryQuery["tasks"]["nodes"][number];

function HistoryLine({ task }: { task: HistoryTask }): JSX.Element {
  const live = useLiveTask(task);
  const [part] = task.records.nodes;
  return (
    <li data-history={task.id}>
      <span>
        <PageLink to="/tasks/$id" params={{ id: task.id }} size="sm">
          {taskTitle(task)}
        </PageLink>
        <small>
          {task.createdBy ?? "anonymous"} · <PlainTime at={task.createdAt} />
        </small>
        {(part?.message ?? "") === "" ? null : <small className="sentence">{part?.message}</small>}
      </span>
      {part !== undefined && isSettled(live) ? (
        <span className={`status status-${OUTCOMES[part.outcome].color}`}>{OUTCOMES[part.outcome].word}</span>
      ) : (
        <StatusBadge task={live} />
      )}
    </li>
  );
}
