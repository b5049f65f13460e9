import { Card, Group, Stack, Table, Text, Title } from "@mantine/core";
import { useNavigate, useParams } from "@tanstack/react-router";
import type { JSX } from "react";
import { useEffect, useState } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { ImportTaskFragment } from "../generated/graphql.ts";
import { ImportByIdDocument, ImportProgressDocument } from "../generated/graphql.ts";
import type { Model } from "../models/model.ts";
import { Answered } from "../parts/answered.tsx";
import { DownloadButton } from "../parts/download-button.tsx";
import { PageLink } from "../parts/link.tsx";
import { Empty, Failure } from "../parts/notice.tsx";
import type { Answer } from "../parts/use-answer.ts";
import { useAnswer } from "../parts/use-answer.ts";
import { TaskActions } from "../tasks/task-actions.tsx";
import { StatusBadge, TaskBar, TaskCounts } from "../tasks/task-bar.tsx";
import { isSettled } from "../tasks/task-feed.ts";
import { count, taskTitle } from "../tasks/task-words.ts";
import { ChooseFile } from "./file-drop.tsx";
import { formOf } from "./import-form.ts";
import { bytesInWords } from "./import-page.tsx";
import { readFailed } from "./launch-import.ts";
import type { Upload } from "./uploads.ts";
import { chooseFile, useUpload } from "./uploads.ts";

/** An import from its first byte to its last row. */
export function ImportRunPage(): JSX.Element {
  const { model: name, id } = useParams({ from: "/imports/$model/$id" });
  const { connection, models } = useWorkspace();
  const model = models.find((one) => one.name === name);
  const answer = useAnswer(
    id,
    async () => (await connection.request(ImportByIdDocument, { id })).task ?? undefined,
  );
  return model === undefined ? (
    <Empty>There is no model {name}, or it is not for you to see.</Empty>
  ) : (
    <Answered answer={answer} missing="There is no such import, or it is not for you to see.">
      {(first) => <ImportRun key={id} model={model} first={first} input={first.input} />}
    </Answered>
  );
}

/** The import as it is now. Once it is over, nothing more is followed; a retry is a task of its own. */
function useImportTask(first: ImportTaskFragment): ImportTaskFragment {
  const { connection } = useWorkspace();
  const [task, setTask] = useState(first);
  useEffect(() => {
    if (isSettled(first)) {
      return undefined;
    }
    const end = connection.follow({
      document: ImportProgressDocument,
      variables: () => ({ id: first.id }),
      onData({ taskProgress }) {
        setTask(taskProgress);
        if (isSettled(taskProgress)) {
          end();
        }
      },
    });
    return end;
  }, [connection, first]);
  return task;
}

function ImportRun(props: { model: Model; first: ImportTaskFragment; input: unknown }): JSX.Element {
  const { model, first, input } = props;
  const task = useImportTask(first);
  const upload = useUpload(task.id);
  const isOver = isSettled(task);
  return (
    <Stack gap="md">
      <Group justify="space-between" align="start">
        <Stack gap={4}>
          <Group gap="sm">
            <Title order={1} size="h3">
              {taskTitle(task)}
            </Title>
            <StatusBadge task={task} />
          </Group>
          <Group gap="sm">
            <PageLink to="/records/$model" params={{ model: model.name }} size="sm">
              All {model.title.toLowerCase()}
            </PageLink>
            <PageLink to="/tasks/$id" params={{ id: task.id }} size="sm">
              All about this task
            </PageLink>
          </Group>
        </Stack>
        <TaskActions task={task} onChange={() => undefined} />
      </Group>
      {upload?.failure === undefined || task.status === "CANCELLED" ? null : (
        <Failure message={upload.failure} />
      )}
      <Card withBorder padding="md">
        <Stack gap={6}>
          {task.status === "RECEIVING" ? <Receiving task={task} upload={upload} /> : <Writing task={task} />}
        </Stack>
      </Card>
      {isOver ? <Outcome model={model} task={task} input={input} /> : null}
    </Stack>
  );
}

/** How much of the file has come, and what was found with it. */
function Receiving({ task, upload }: { task: ImportTaskFragment; upload: Upload | undefined }): JSX.Element {
  const { bytes = 0, rows = 0, rejected = 0 } = task.import ?? {};
  const percent = upload === undefined || upload.size === 0 ? undefined : (100 * bytes) / upload.size;
  const parts = [
    upload === undefined
      ? `${bytesInWords(bytes)} have come`
      : `${bytesInWords(bytes)} of ${bytesInWords(upload.size)}`,
    `${count(rows)} rows checked`,
    ...(rejected === 0 ? [] : [`${count(rejected)} cannot be written`]),
  ];
  return (
    <>
      <Text size="sm" fw={500}>
        Receiving and checking. Nothing is written yet.
      </Text>
      <span
        className="bar"
        role="progressbar"
        {...(percent === undefined ? {} : { "aria-valuenow": Math.round(percent) })}
        aria-label={percent === undefined ? "Receiving" : `${Math.round(percent)} percent received`}
      >
        <i className="bar-going" style={{ width: `${percent ?? 100}%` }} />
      </span>
      <Text size="xs" c="dimmed" className="numbers">
        {parts.join(" · ")}
      </Text>
    </>
  );
}

const STEP_WORDS: Partial<Readonly<Record<ImportTaskFragment["status"], string>>> = {
  WAITING: "All rows are checked. Waits for other tasks that hold some of these records.",
  PENDING: "All rows are checked. Writing begins as soon as a worker is free.",
  RUNNING: "Writing.",
  PAUSED: "Paused.",
};

/** How many rows are written. */
function Writing({ task }: { task: ImportTaskFragment }): JSX.Element {
  const { succeeded, failed, skipped } = task.progress;
  const { rows = 0 } = task.import ?? {};
  const words = STEP_WORDS[task.status];
  const deed = task.isDryRun ? "would be written" : "written";
  return (
    <>
      <Text size="sm" fw={500} data-written={succeeded} data-failed={failed}>
        {words ??
          `${count(rows)} rows: ${count(succeeded)} ${deed}, ${count(failed)} failed, ${count(skipped)} left out.`}
      </Text>
      <TaskBar task={task} />
      {isSettled(task) ? null : <TaskCounts task={task} />}
      {task.status === "FAILED" && task.message ? <Text size="sm">{task.message}</Text> : null}
    </>
  );
}

/** What became of the rows, and the way on with those that failed. */
function Outcome(props: { model: Model; task: ImportTaskFragment; input: unknown }): JSX.Element | null {
  const { model, task, input } = props;
  const { connection } = useWorkspace();
  const navigate = useNavigate();
  const answer = useAnswer(`failed ${task.id}`, () => readFailed(connection, task));
  const { failedPath, fileName } = task.import ?? {};
  const again = (file: File): void => {
    chooseFile(model.name, { file, form: formOf(input) });
    void navigate({ to: "/imports/$model", params: { model: model.name } });
  };
  if (
    failedPath === undefined ||
    failedPath === null ||
    (answer.data?.rows.length === 0 && !answer.isLoading)
  ) {
    return (
      <Group>
        <ChooseFile onFile={again}>Import another file</ChooseFile>
      </Group>
    );
  }
  return (
    <Stack gap="xs">
      <Group justify="space-between" align="end">
        <Title order={2} size="h5">
          Rows that were not written
        </Title>
        <Group gap="xs">
          <DownloadButton path={failedPath} name={failedName(fileName, failedPath)} isMain>
            Download them
          </DownloadButton>
          <ChooseFile onFile={again}>Send the mended rows</ChooseFile>
        </Group>
      </Group>
      <Text size="sm" c="dimmed">
        Mend them in the file, and send it as it is: its first three columns say what was wrong, and are not
        read.
      </Text>
      <FailedTable answer={answer} total={task.progress.failed + task.progress.skipped} />
    </Stack>
  );
}

/** `cities.csv` as `cities-failed.csv`. */
function failedName(fileName: string | null | undefined, path: string): string {
  const stem = (fileName ?? "rows").replace(/\.\w+$/, "").replace(/(?:-failed)+$/, "");
  return `${stem}-failed.${path.split(".").at(-1) ?? "csv"}`;
}

function FailedTable(props: {
  answer: Answer<Awaited<ReturnType<typeof readFailed>>>;
  total: number;
}): JSX.Element {
  const { answer, total } = props;
  if (answer.error !== undefined) {
    return <Failure message={answer.error} onRetry={answer.reload} />;
  }
  const { headers, rows } = answer.data ?? { headers: [], rows: [] };
  return (
    <>
      <div className="records sample" role="region" aria-label="Rows that were not written" tabIndex={0}>
        <Table verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={60}>Line</Table.Th>
              <Table.Th>Why</Table.Th>
              {headers.map((header, at) => (
                // Headers may be the same twice.
                <Table.Th key={`${header} ${at}`}>{header}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map(({ line, reason, cells }) => (
              <Table.Tr key={line} data-failed-line={line}>
                <Table.Td c="dimmed">{line}</Table.Td>
                <Table.Td className="reason">{reason}</Table.Td>
                {cells.map((cell, at) => (
                  // A row's cells have no other name than their place.
                  <Table.Td key={at}>{cell}</Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </div>
      {total > rows.length ? (
        <Text size="xs" c="dimmed">
          The first {count(rows.length)} of {count(total)}. The file has all.
        </Text>
      ) : null}
    </>
  );
}
