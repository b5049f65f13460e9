import { Alert, Button, Card, Group, Stack, Table, Text, Title } from "@mantine/core";
import { useNavigate, useParams } from "@tanstack/react-router";
import type { JSX } from "react";
import { useState, useSyncExternalStore } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { HolderRow, RecordRow } from "../models/list-document.ts";
import { recordDocument } from "../models/list-document.ts";
import type { Field, Shape } from "../models/shape.ts";
import { ActionButton } from "../parts/action-button.tsx";
import { PageLink } from "../parts/link.tsx";
import { Answered } from "../parts/answered.tsx";
import { Failure } from "../parts/notice.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { TaskBar, TaskCounts } from "../tasks/task-bar.tsx";
import { TaskLink } from "../tasks/task-link.tsx";
import { ClashTable } from "./clash-table.tsx";
import { RecordForm, useDraft } from "./record-form.tsx";
import { RecordHistory } from "./record-history.tsx";
import { RelationTables } from "./relation-tables.tsx";
import { useRecordEvents } from "./use-record-events.ts";
import { NO_PROBLEMS, tryWrite, useRecordWrites } from "./use-record-writes.ts";
import { useShape } from "./use-shape.ts";
import { ValueText } from "./value-text.tsx";
import type { Written } from "./write-record.ts";
import { writeRecord } from "./write-record.ts";

/** The service speaks to programs. */
const STALE =
  "Somebody else changed this record since you opened it, so nothing was written. Compare, say what to keep, and try again.";
const NOTHING: Readonly<Record<string, unknown>> = {};

export function RecordPage(): JSX.Element {
  const { model, id } = useParams({ from: "/records/$model/$id" });
  const answer = useShape(model);
  return (
    <Answered answer={answer} missing={`There is no model ${model}, or it is not for you to see.`}>
      {(shape) =>
        id === "new" ? (
          <NewRecord shape={shape} />
        ) : (
          <OneRecord key={`${model} ${id}`} shape={shape} id={id} />
        )
      }
    </Answered>
  );
}

function NewRecord({ shape }: { shape: Shape }): JSX.Element {
  const { connection } = useWorkspace();
  const navigate = useNavigate();
  const draft = useDraft(NOTHING);
  const [written, setWritten] = useState<Written>();
  const { name, title } = shape.model;
  const create = async (data: Readonly<Record<string, unknown>>): Promise<void> => {
    const next = await tryWrite(() => writeRecord(connection, shape, "create", { data }));
    setWritten(next);
    if (next.kind === "written") {
      await navigate(
        next.record === undefined
          ? { to: "/records/$model", params: { model: name } }
          : { to: "/records/$model/$id", params: { model: name, id: next.record.id } },
      );
    }
  };
  return (
    <Stack maw={560}>
      <Title order={1} size="h3">
        New in {title}
      </Title>
      {written === undefined ? null : <WriteNotice written={written} />}
      <RecordForm
        shape={shape}
        fields={shape.creation}
        draft={draft}
        problems={problemsOf(written)}
        submit="Create"
        onSubmit={create}
      />
    </Stack>
  );
}

function OneRecord({ shape, id }: { shape: Shape; id: string }): JSX.Element {
  const { connection } = useWorkspace();
  const document = recordDocument(shape, shape.fields);
  const model = shape.model.name;
  const answer = useAnswer(`${model} ${id}`, async () => {
    const { record } = await connection.request<{ record: RecordRow | null }, object>(document, { id });
    return record ?? undefined;
  });
  useRecordEvents({ model, id }, answer.reload);
  return (
    <Answered answer={answer} missing="There is no such record, or it is not for you to see.">
      {(record) => <RecordView shape={shape} record={record} onChange={answer.reload} />}
    </Answered>
  );
}

function RecordView(props: { shape: Shape; record: RecordRow; onChange: () => void }): JSX.Element {
  const { shape, record, onChange } = props;
  const { draft, written, clash, save, remove } = useRecordWrites(shape, record, onChange);
  const isHeld = record.activeTask !== null;
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <div>
          <PageLink to="/records/$model" params={{ model: shape.model.name }} size="xs">
            {shape.model.title}
          </PageLink>
          <Group gap="sm" align="baseline">
            <Title order={1} size="h3">
              {nameOf(shape, record)}
            </Title>
            <Text size="xs" c="dimmed" className="numbers" title="Its id">
              {record.id}
            </Text>
          </Group>
        </div>
        {shape.model.delete === undefined ? null : <DeleteButton isDisabled={isHeld} onDelete={remove} />}
      </Group>
      {record.activeTask === null ? null : <HeldBanner holder={record.activeTask} />}
      {written === undefined ? null : <WriteNotice written={written} />}
      {clash === undefined ? null : <ClashTable shape={shape} clash={clash} />}
      <div className="columns">
        <div>
          {shape.edition.length === 0 ? null : (
            <Card withBorder>
              <RecordForm
                shape={shape}
                fields={shape.edition}
                draft={draft}
                isDisabled={isHeld}
                toDecide={clash?.toDecide}
                problems={problemsOf(written)}
                submit="Save"
                onSubmit={save}
              />
            </Card>
          )}
        </div>
        <div>
          <Stack gap="lg">
            <FieldTable shape={shape} record={record} />
            <RelationTables shape={shape} record={record} />
            <RecordHistory model={shape.model.name} record={record} />
          </Stack>
        </div>
      </div>
    </Stack>
  );
}

/** Its best name, or else its id. */
function nameOf({ label }: Shape, record: RecordRow): string {
  const best = label === undefined ? undefined : record[label];
  return typeof best === "string" && best !== "" ? best : record.id;
}

function problemsOf(written: Written | undefined): ReadonlyMap<string, string> {
  return written?.kind === "refused" ? written.problems : NO_PROBLEMS;
}

function WriteNotice({ written }: { written: Written }): JSX.Element {
  return written.kind === "written" ? (
    <Alert color="green" variant="light" role="status">
      Saved.
    </Alert>
  ) : (
    <Failure message={written.kind === "stale" ? STALE : written.message} />
  );
}

/** Asks once more in its own place. */
function DeleteButton({
  isDisabled,
  onDelete,
}: {
  isDisabled: boolean;
  onDelete: () => Promise<void>;
}): JSX.Element {
  const [isAsked, setAsked] = useState(false);
  return isAsked ? (
    <Group gap="xs">
      <Button
        size="xs"
        color="red"
        disabled={isDisabled}
        onClick={() => void onDelete().then(() => setAsked(false))}
      >
        Delete for good
      </Button>
      <Button size="xs" variant="default" onClick={() => setAsked(false)}>
        Keep
      </Button>
    </Group>
  ) : (
    <ActionButton
      name="Delete"
      reason={isDisabled ? "A task holds it." : undefined}
      onClick={() => setAsked(true)}
    />
  );
}

/** Who holds the record, and how far that is. The form opens by itself when the record is free. */
function HeldBanner({ holder }: { holder: HolderRow }): JSX.Element {
  const { feed } = useWorkspace();
  const task = useSyncExternalStore(feed.subscribe, () => feed.read(holder.id));
  return (
    <Alert color="yellow" variant="light" title="In use" role="status">
      <Text size="sm">
        <TaskLink task={holder} c="inherit" underline="always" /> holds this record. You can edit it as soon
        as that is done.
      </Text>
      {task === undefined ? null : (
        <Stack gap={4} mt={6}>
          <TaskBar task={task} isThin />
          <TaskCounts task={task} />
        </Stack>
      )}
    </Alert>
  );
}

/** What the record has: first what people write, then what the service keeps by itself. */
function FieldTable({ shape, record }: { shape: Shape; record: RecordRow }): JSX.Element {
  const written = new Set([...shape.edition, ...shape.creation].map(({ name }) => name));
  const isWritten = ({ name, kind }: Field): boolean =>
    written.size === 0 || written.has(name) || kind === "record";
  const fields = shape.fields.filter(({ kind }) => kind !== "records");
  const kept = fields.filter((field) => !isWritten(field));
  return (
    <>
      <FieldRows shape={shape} record={record} fields={fields.filter(isWritten)} title="Fields" />
      {kept.length === 0 ? null : (
        <FieldRows shape={shape} record={record} fields={kept} title="Kept by the service" />
      )}
    </>
  );
}

function FieldRows(props: {
  shape: Shape;
  record: RecordRow;
  fields: readonly Field[];
  title: string;
}): JSX.Element {
  const { shape, record, fields, title } = props;
  return (
    <Stack gap={4} component="section" aria-label={title}>
      <Title order={2} size="h5">
        {title}
      </Title>
      <Table verticalSpacing={4} fz="sm" variant="vertical">
        <Table.Tbody>
          {fields.map((field) => (
            <Table.Tr key={field.name}>
              <Table.Th w={180} title={field.description}>
                {field.title}
              </Table.Th>
              <Table.Td>
                <FieldValue shape={shape} field={field} record={record} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Stack>
  );
}

function FieldValue({
  shape,
  field,
  record,
}: {
  shape: Shape;
  field: Field;
  record: RecordRow;
}): JSX.Element {
  const { models } = useWorkspace();
  const value = record[field.name];
  const text = <ValueText shape={shape} field={field} value={value} />;
  const isLinked =
    field.kind === "record" && models.some(({ name, one }) => name === field.type && one !== undefined);
  const id = isLinked ? (value as { id?: string } | null)?.id : undefined;
  return id === undefined ? (
    text
  ) : (
    <PageLink to="/records/$model/$id" params={{ model: field.type, id }} size="sm">
      {text}
    </PageLink>
  );
}
