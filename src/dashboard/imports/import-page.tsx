import { Button, Group, Stack, Text, Title } from "@mantine/core";
import { useNavigate, useParams } from "@tanstack/react-router";
import type { JSX } from "react";
import { useState } from "react";
import { watchTask } from "../frame/watched-tasks.ts";
import { useWorkspace } from "../frame/workspace.tsx";
import type { Model } from "../models/model.ts";
import { errorText } from "../parts/error-text.ts";
import { PageLink } from "../parts/link.tsx";
import { Empty, Failure } from "../parts/notice.tsx";
import { count } from "../tasks/task-words.ts";
import { ColumnTable } from "./column-table.tsx";
import { ChooseFile, FileDrop } from "./file-drop.tsx";
import type { ImportForm } from "./import-form.ts";
import { ImportOptions } from "./import-options.tsx";
import { openImport, sendFile } from "./launch-import.ts";
import type { Sample } from "./read-sample.ts";
import { mapped, useCheck, useImportDraft } from "./import-draft.ts";
import type { ChosenFile } from "./uploads.ts";
import { chooseFile, keepUpload, useChosenFile } from "./uploads.ts";

export function ImportPage(): JSX.Element {
  const { model: name } = useParams({ from: "/imports/$model" });
  const model = useWorkspace().models.find((one) => one.name === name);
  const chosen = useChosenFile(name);
  if (model === undefined || model.imports.length === 0) {
    return <Empty>There is no model {name} that you may import.</Empty>;
  }
  return (
    <Stack gap="md">
      <ImportHead model={model} />
      {chosen === undefined ? (
        <FileDrop onFile={(file) => chooseFile(name, { file })}>
          CSV or JSON Lines. Columns that are called like fields are found by their names; you see what
          becomes of each before anything is sent.
        </FileDrop>
      ) : (
        <ImportView key={fileKey(chosen.file)} model={model} chosen={chosen} />
      )}
    </Stack>
  );
}

/** The title, and the way back to the records. */
function ImportHead({ model }: { model: Model }): JSX.Element {
  return (
    <Group gap="sm" align="baseline">
      <Title order={1} size="h3">
        Import {model.title.toLowerCase()}
      </Title>
      <PageLink to="/records/$model" params={{ model: model.name }} size="sm">
        All {model.title.toLowerCase()}
      </PageLink>
    </Group>
  );
}

function fileKey({ name, size, lastModified }: File): string {
  return `${name} ${size} ${lastModified}`;
}

/** How to read the file, what to do with it, and what would come of it. */
function ImportView({ model, chosen }: { model: Model; chosen: ChosenFile }): JSX.Element {
  const { file } = chosen;
  const draft = useImportDraft(model, chosen);
  const { form, sample, uses, unknown, change } = draft;
  const check = useCheck(model, form, draft.ready, file.name);
  return (
    <>
      <Group gap="sm">
        <Text size="sm" fw={500}>
          {file.name}
        </Text>
        <Text size="sm" c="dimmed">
          {bytesInWords(file.size)}
        </Text>
        <ChooseFile onFile={(next) => chooseFile(model.name, { file: next })}>Choose another file</ChooseFile>
      </Group>
      <ImportOptions
        model={model}
        form={form}
        dialect={sample?.dialect}
        keys={uses?.keys ?? []}
        onChange={(part) => change((before) => ({ ...before, ...part }))}
      />
      {draft.problems.map((problem) => (
        <Text key={problem} size="sm" className="problem" role="alert">
          {problem}
        </Text>
      ))}
      {unknown.length === 0 ? null : (
        <UnknownColumns
          headers={unknown}
          onLeaveOut={() =>
            change((before) => unknown.reduce((next, header) => mapped(next, header, ""), before))
          }
        />
      )}
      <Launch model={model} form={form} file={file} sample={draft.ready} check={check} />
      {sample === undefined ? null : (
        <ColumnTable
          sample={sample}
          uses={uses}
          faults={check.data?.faults ?? []}
          mapping={form.mapping}
          onMap={(header, path) => change((before) => mapped(before, header, path))}
        />
      )}
    </>
  );
}

function UnknownColumns(props: { headers: readonly string[]; onLeaveOut: () => void }): JSX.Element {
  const { headers, onLeaveOut } = props;
  const names = headers.map((header) => `"${header}"`).join(", ");
  return (
    <Group gap="sm">
      <Text size="sm" className="problem" role="alert">
        {headers.length === 1
          ? `No field is called ${names}. Choose one below`
          : `No fields are called ${names}. Choose them below`}
        , or
      </Text>
      <Button size="compact-xs" variant="default" onClick={onLeaveOut}>
        {headers.length === 1 ? "Leave it out" : "Leave them out"}
      </Button>
    </Group>
  );
}

type CheckAnswer = ReturnType<typeof useCheck>;

/** What the first rows came to, and the button that sends all. */
function Launch(props: {
  model: Model;
  form: ImportForm;
  file: File;
  sample: Sample | undefined;
  check: CheckAnswer;
}): JSX.Element {
  const { model, form, file, sample, check } = props;
  const { connection } = useWorkspace();
  const navigate = useNavigate();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string>();
  const launch = async (): Promise<void> => {
    if (sample === undefined) {
      return;
    }
    setBusy(true);
    try {
      const asked = { model: model.name, form, sample, fileName: file.name };
      const opened = await openImport(connection, asked, false);
      keepUpload(opened.taskId, file.size, sendFile(connection, opened, sample, file));
      watchTask(opened.taskId);
      chooseFile(model.name, undefined);
      await navigate({ to: "/imports/$model/$id", params: { model: model.name, id: opened.taskId } });
    } catch (error) {
      setFailure(errorText(error));
      setBusy(false);
    }
  };
  return (
    <Stack gap="xs">
      <Group gap="md">
        <Button disabled={sample === undefined} loading={busy} onClick={() => void launch()}>
          Import {file.name}
        </Button>
        {sample === undefined ? null : <CheckWords sample={sample} check={check} />}
      </Group>
      {failure === undefined ? null : <Failure message={failure} />}
      {check.error === undefined ? null : <Failure message={check.error} onRetry={check.reload} />}
    </Stack>
  );
}

function CheckWords({ sample, check }: { sample: Sample; check: CheckAnswer }): JSX.Element {
  if (sample.rows.length === 0) {
    return <Text size="sm">The file has no rows below its first line.</Text>;
  }
  if (check.data === undefined || check.isLoading) {
    return (
      <Text size="sm" c="dimmed" role="status">
        {check.error === undefined ? "Checking the first rows… nothing is changed." : ""}
      </Text>
    );
  }
  const { checked, failed, message } = check.data;
  const rows = checked === 1 ? "row" : `${count(checked)} rows`;
  const which = sample.isWhole ? (checked === 1 ? "The only row" : `All ${rows}`) : `The first ${rows}`;
  const words =
    message ??
    (failed === 0
      ? `${which} can be written.`
      : `${which} were checked: ${count(checked - failed)} can be written, ${count(failed)} cannot.`);
  return (
    <Text size="sm" role="status" data-check={checked} data-check-failed={failed}>
      {words}
    </Text>
  );
}

const UNITS = ["bytes", "kB", "MB", "GB"];

/** 1,234,567 as "1.2 MB". */
export function bytesInWords(bytes: number): string {
  const step = Math.min(UNITS.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${new Intl.NumberFormat("en", { maximumFractionDigits: value < 100 && step > 0 ? 1 : 0 }).format(value)} ${UNITS[step] ?? ""}`;
}
