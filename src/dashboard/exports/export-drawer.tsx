import { Button, Checkbox, Drawer, Group, ScrollArea, Stack, Text } from "@mantine/core";
import type { JSX } from "react";
import { useState } from "react";
import { watchTask } from "../frame/watched-tasks.ts";
import { useLiveTask, useWorkspace } from "../frame/workspace.tsx";
import type { TaskRowFragment } from "../generated/graphql.ts";
import { ImportColumnsDocument, LaunchExportDocument } from "../generated/graphql.ts";
import type { ListVariables } from "../models/list-document.ts";
import type { Field, Shape } from "../models/shape.ts";
import { DownloadButton } from "../parts/download-button.tsx";
import { errorText } from "../parts/error-text.ts";
import { Failure } from "../parts/notice.tsx";
import { Toggles } from "../parts/toggles.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { TaskBar, TaskCounts } from "../tasks/task-bar.tsx";
import { isSettled } from "../tasks/task-feed.ts";
import { recordsOf } from "../tasks/task-words.ts";

type Format = "CSV" | "JSONL";

interface ExportProps {
  readonly shape: Shape;
  /** The list's own `where`, `search` and `orderBy`. */
  readonly variables: ListVariables;
  /** The columns that the list shows. */
  readonly columns: readonly Field[];
  readonly total: number;
}

/** A column that a file may have. */
interface Column {
  readonly path: string;
  readonly title: string;
  /** Whether the list shows it. */
  readonly isShown: boolean;
}

/** Writes what the list has, all pages of it, into a file. */
export function ExportDrawer(props: ExportProps & { isOpen: boolean; onClose: () => void }): JSX.Element {
  const { shape, total, isOpen, onClose } = props;
  const title = `Export ${recordsOf(shape.model, total)}`;
  return (
    <Drawer opened={isOpen} onClose={onClose} position="right" size="md" title={title}>
      <ExportForm {...props} />
    </Drawer>
  );
}

function ExportForm(props: ExportProps): JSX.Element {
  const { shape, variables } = props;
  const [format, setFormat] = useState<Format>("CSV");
  const [isEscaped, setEscaped] = useState(true);
  const all = useColumns(props);
  const [chosen, setChosen] = useState<ReadonlySet<string>>();
  const paths = all.filter(({ path, isShown }) => chosen?.has(path) ?? isShown).map(({ path }) => path);
  const { where, search, orderBy } = variables;
  const file = format === "CSV" ? "csv" : "jsonl";
  const asked = { where, search, orderBy };
  return (
    <Stack gap="md">
      <Toggles
        label="Format"
        data={[
          { value: "CSV", label: "CSV" },
          { value: "JSONL", label: "JSON Lines" },
        ]}
        value={format}
        onChange={setFormat}
      />
      <Columns all={all} chosen={paths} onChange={(next) => setChosen(new Set(next))} />
      {format === "CSV" ? (
        <Checkbox
          size="xs"
          label="Put an apostrophe in front of formulas"
          description="A spreadsheet would run a text that begins with = + - or @. An import takes the apostrophe off again."
          checked={isEscaped}
          onChange={(event) => setEscaped(event.currentTarget.checked)}
        />
      ) : null}
      {paths.length === 0 ? (
        <Text size="sm">Choose at least one column.</Text>
      ) : (
        <>
          <Group gap="xs" align="start">
            <DownloadButton
              isMain
              path={exportPath(shape.model.name, file, { ...asked, fields: paths, isEscaped })}
              name={`${shape.model.name}.${file}`}
            >
              Download
            </DownloadButton>
          </Group>
          <InBackground
            key={JSON.stringify([format, isEscaped, paths, asked])}
            model={shape.model.name}
            input={{ ...asked, format, fields: paths, escapeFormulas: isEscaped }}
          />
        </>
      )}
    </Stack>
  );
}

/** What a file may have: the model's values, the records that it refers to by key and by name, and links. */
function useColumns({ shape, columns }: ExportProps): readonly Column[] {
  const { connection } = useWorkspace();
  const { name, imports } = shape.model;
  // Which lists are links, and which have a file of their own, is known to the service's rules alone.
  const { data: known } = useAnswer(`paths ${name}`, async () => {
    const asked = { model: name, operation: imports[0] ?? "UPDATE", headers: [] };
    return (await connection.request(ImportColumnsDocument, asked)).importColumns;
  });
  const id =
    known?.keys.some(({ name: key }) => key === "id") === true
      ? [{ path: "id", title: "Id", isShown: true }]
      : [];
  const fields = shape.fields.flatMap(({ name: path, title, kind, type }): readonly Column[] => {
    const isShown = columns.some((one) => one.name === path);
    if (kind === "record") {
      const label = shape.labelOf(type);
      const key = { path, title: `${title}, its key`, isShown: isShown && label === undefined };
      return label === undefined ? [key] : [key, { path: `${path}.${label}`, title, isShown }];
    }
    return kind === "records" && known?.paths.includes(path) !== true ? [] : [{ path, title, isShown }];
  });
  return [...id, ...fields];
}

function Columns(props: {
  all: readonly Column[];
  chosen: readonly string[];
  onChange: (paths: readonly string[]) => void;
}): JSX.Element {
  const { all, chosen, onChange } = props;
  return (
    <Checkbox.Group
      label="Columns"
      size="xs"
      value={[...chosen]}
      onChange={onChange}
      description="Those of the list are chosen."
    >
      <Group gap="xs" my={6}>
        <Button size="compact-xs" variant="default" onClick={() => onChange(all.map(({ path }) => path))}>
          All
        </Button>
        <Button
          size="compact-xs"
          variant="default"
          onClick={() => onChange(all.filter(({ isShown }) => isShown).map(({ path }) => path))}
        >
          Those of the list
        </Button>
      </Group>
      <ScrollArea.Autosize mah={300} type="auto">
        <Stack gap={6}>
          {all.map(({ path, title }) => (
            <Checkbox key={path} size="xs" value={path} label={title} />
          ))}
        </Stack>
      </ScrollArea.Autosize>
    </Checkbox.Group>
  );
}

function exportPath(
  model: string,
  file: string,
  asked: Pick<ListVariables, "where" | "search" | "orderBy"> & {
    readonly fields: readonly string[];
    readonly isEscaped: boolean;
  },
): string {
  const { where, search, orderBy, fields, isEscaped } = asked;
  const parameters = new URLSearchParams({
    ...(where === undefined ? {} : { where: JSON.stringify(where) }),
    ...(orderBy === undefined ? {} : { orderBy: JSON.stringify(orderBy) }),
    ...(typeof search === "string" ? { search } : {}),
    fields: fields.join(","),
    ...(isEscaped ? {} : { escapeFormulas: "false" }),
  });
  return `/exports/${model}.${file}?${parameters.toString()}`;
}

/** A file that a worker writes: for lists so long that nobody waits for them. */
function InBackground(props: {
  model: string;
  input: {
    readonly where?: unknown;
    readonly orderBy?: unknown;
    readonly search?: unknown;
    readonly format: Format;
    readonly fields: readonly string[];
    readonly escapeFormulas: boolean;
  };
}): JSX.Element {
  const { model, input } = props;
  const { connection } = useWorkspace();
  const [task, setTask] = useState<TaskRowFragment>();
  const [failure, setFailure] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const launch = async (): Promise<void> => {
    setBusy(true);
    try {
      const { search, fields, ...rest } = input;
      const { launchExport } = await connection.request(LaunchExportDocument, {
        input: { ...rest, model, fields: [...fields], search: typeof search === "string" ? search : null },
        options: { mode: "ASYNC" },
      });
      if (launchExport.__typename === "TaskLaunched") {
        watchTask(launchExport.task.id);
        setTask(launchExport.task);
        setFailure(undefined);
      } else {
        const problems = "problems" in launchExport ? launchExport.problems : [launchExport];
        setFailure(problems.map(({ message }) => message).join(" "));
      }
    } catch (error) {
      setFailure(errorText(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Stack gap="xs">
      <Text size="sm" c="dimmed">
        A very long list is better written in the background. You can go on meanwhile, and fetch the file for
        a day.
      </Text>
      <Group>
        <Button size="xs" variant="default" loading={isBusy} onClick={() => void launch()}>
          Write it in the background
        </Button>
      </Group>
      {failure === undefined ? null : <Failure message={failure} />}
      {task === undefined ? null : <Written task={task} model={model} format={input.format} />}
    </Stack>
  );
}

/** How far the file is, and the file. */
function Written(props: { task: TaskRowFragment; model: string; format: Format }): JSX.Element {
  const task = useLiveTask(props.task);
  const file = props.format === "CSV" ? "csv" : "jsonl";
  return (
    <Stack gap={6} data-export={task.status}>
      <TaskBar task={task} />
      <TaskCounts task={task} />
      {isSettled(task) && task.status !== "SUCCEEDED" ? (
        <Failure message={task.message ?? "It failed."} />
      ) : null}
      {task.status === "SUCCEEDED" ? (
        <Group>
          <DownloadButton isMain path={`/tasks/${task.id}/export.${file}`} name={`${props.model}.${file}`}>
            Download the file
          </DownloadButton>
        </Group>
      ) : null}
    </Stack>
  );
}
