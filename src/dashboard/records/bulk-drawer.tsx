import { Button, CloseButton, Drawer, Group, Radio, Stack, Table, Text } from "@mantine/core";
import type { JSX } from "react";
import { useState, useSyncExternalStore } from "react";
import { watchTask } from "../frame/watched-tasks.ts";
import { useWorkspace } from "../frame/workspace.tsx";
import { TaskByIdDocument, TaskPreviewDocument } from "../generated/graphql.ts";
import type { OnConflict, TaskRowFragment } from "../generated/graphql.ts";
import { inWords } from "../models/model.ts";
import type { FieldVerbs, Shape } from "../models/shape.ts";
import { PageLink } from "../parts/link.tsx";
import { Failure } from "../parts/notice.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { TaskBar, TaskCounts } from "../tasks/task-bar.tsx";
import { isSettled } from "../tasks/task-feed.ts";
import { count, countOf, taskTitle } from "../tasks/task-words.ts";
import { ChooseVerb } from "./filter-bar.tsx";
import type { BulkChange, Launched, Target } from "./launch.ts";
import { launchUpdate } from "./launch.ts";
import { readValue, ValueInput } from "./value-input.tsx";
import { errorText } from "../parts/error-text.ts";

/** A field that is to change, as it is typed. */
interface Draft {
  readonly field: string;
  readonly verb: string;
  readonly text: string;
}

/** A verb of its own: sets null. */
const CLEAR = "clear";
const CHANGE_WORDS: Readonly<Record<string, string>> = {
  set: "set to",
  [CLEAR]: "clear",
  increment: "add",
  decrement: "subtract",
  multiply: "multiply by",
  divide: "divide by",
  add: "add links to",
  remove: "remove links to",
};
const RECORDS_SHOWN = 8;

/** Edits many records: fields on top, then a preview that changes nothing, then the launch. */
export function BulkDrawer(props: {
  shape: Shape;
  target: Target;
  isOpen: boolean;
  onClose: () => void;
}): JSX.Element {
  const { shape, target, isOpen, onClose } = props;
  const { connection } = useWorkspace();
  const [drafts, setDrafts] = useState<readonly Draft[]>([]);
  const [onConflict, setOnConflict] = useState<OnConflict>("REJECT");
  const [preview, setPreview] = useState<Launched>();
  const [refusal, setRefusal] = useState<Launched>();
  const [busy, setBusy] = useState<"preview" | "launch">();
  const change = changeOf(shape, drafts);
  const many = countOf(target.count, shape.model.title.toLowerCase());
  const run = async (isDryRun: boolean): Promise<void> => {
    if (change === undefined) {
      return;
    }
    setBusy(isDryRun ? "preview" : "launch");
    setRefusal(undefined);
    try {
      const launched = await launchUpdate(connection, shape, { target, change, isDryRun, onConflict });
      if (launched.kind !== "launched") {
        setRefusal(launched);
      } else if (isDryRun) {
        setPreview(launched);
      } else {
        watchTask(launched.taskId);
        setDrafts([]);
        setPreview(undefined);
        onClose();
      }
    } catch (error) {
      setRefusal({ kind: "refused", message: errorText(error) });
    } finally {
      setBusy(undefined);
    }
  };
  const edit = (next: readonly Draft[]): void => {
    setDrafts(next);
    setPreview(undefined);
    setRefusal(undefined);
  };
  return (
    <Drawer opened={isOpen} onClose={onClose} position="right" size="lg" title={`Edit ${many}`}>
      <Stack gap="md">
        <Drafts shape={shape} drafts={drafts} onChange={edit} />
        <ConflictChoice value={onConflict} onChange={setOnConflict} />
        {refusal === undefined ? null : <Refusal refusal={refusal} />}
        {preview?.kind === "launched" ? <Preview taskId={preview.taskId} /> : null}
        <Group>
          <Button
            variant="default"
            disabled={change === undefined}
            loading={busy === "preview"}
            onClick={() => void run(true)}
          >
            Preview
          </Button>
          <Button disabled={change === undefined} loading={busy === "launch"} onClick={() => void run(false)}>
            Change {many}
          </Button>
        </Group>
      </Stack>
    </Drawer>
  );
}

/** The change for the API; undefined while nothing, or something unreadable, is typed. */
function changeOf(shape: Shape, drafts: readonly Draft[]): BulkChange | undefined {
  const entries = drafts.map(({ field, verb, text }) => {
    const name = verb === CLEAR ? "set" : verb;
    const found = shape.bulkChanges.find((one) => one.name === field)?.verbs.find((one) => one.name === name);
    const value = verb === CLEAR ? null : found === undefined ? undefined : readValue(found, text);
    return [field, value === undefined ? undefined : { [name]: value }] as const;
  });
  return entries.length === 0 || entries.some(([, value]) => value === undefined)
    ? undefined
    : Object.fromEntries(entries as readonly (readonly [string, Record<string, unknown>])[]);
}

function Drafts(props: {
  shape: Shape;
  drafts: readonly Draft[];
  onChange: (drafts: readonly Draft[]) => void;
}): JSX.Element {
  const { shape, drafts, onChange } = props;
  const fields = shape.bulkChanges.map(withClear);
  const free = fields.filter(({ name }) => drafts.every(({ field }) => field !== name));
  const put = (at: number, draft: Draft): void =>
    onChange(drafts.map((one, place) => (place === at ? draft : one)));
  return (
    <Stack gap="xs">
      {drafts.map((draft, at) => {
        const field = fields.find(({ name }) => name === draft.field);
        const verb = field?.verbs.find(({ name }) => name === draft.verb);
        return (
          <Group key={draft.field} gap="xs" wrap="nowrap" align="start" data-change={draft.field}>
            <ChooseVerb
              fields={[...free, ...(field === undefined ? [] : [field])]}
              field={draft.field}
              verb={draft.verb}
              words={(name) => CHANGE_WORDS[name] ?? inWords(name).toLowerCase()}
              onField={(name, first) => put(at, { field: name, verb: first?.name ?? "set", text: "" })}
              onVerb={(name) => put(at, { ...draft, verb: name })}
            />
            {verb === undefined || verb.name === CLEAR ? null : (
              <ValueInput
                shape={shape}
                verb={verb}
                label={`New value of ${field?.title ?? draft.field}`}
                value={draft.text}
                onChange={(text) => put(at, { ...draft, text })}
              />
            )}
            <CloseButton
              size="sm"
              aria-label={`Leave ${field?.title ?? draft.field} as it is`}
              onClick={() => onChange(drafts.filter((_, place) => place !== at))}
            />
          </Group>
        );
      })}
      <Group>
        <Button
          size="xs"
          variant="default"
          disabled={free.length === 0}
          onClick={() => {
            const [first] = free;
            if (first !== undefined) {
              onChange([...drafts, { field: first.name, verb: first.verbs[0]?.name ?? "set", text: "" }]);
            }
          }}
        >
          {drafts.length === 0 ? "Choose a field to change" : "Change another field"}
        </Button>
      </Group>
    </Stack>
  );
}

/** Whether a field may be empty is told by the service: the choice is offered wherever a value can be set. */
function withClear(field: FieldVerbs): FieldVerbs {
  const set = field.verbs.find(({ name, isList }) => name === "set" && !isList);
  return set === undefined ? field : { ...field, verbs: [...field.verbs, { ...set, name: CLEAR }] };
}

/** What is to become of records that another task holds. */
export function ConflictChoice(props: {
  value: OnConflict;
  onChange: (value: OnConflict) => void;
}): JSX.Element {
  return (
    <Radio.Group
      size="xs"
      label="If another task holds some of them"
      value={props.value}
      onChange={props.onChange}
    >
      <Group gap="md" mt={4}>
        <Radio size="xs" value="REJECT" label="Change nothing" />
        <Radio size="xs" value="SKIP" label="Change the others now" />
        <Radio size="xs" value="WAIT" label="Wait for them" />
      </Group>
    </Radio.Group>
  );
}

function Refusal({ refusal }: { refusal: Launched }): JSX.Element | null {
  if (refusal.kind === "refused") {
    return <Failure message={refusal.message} />;
  }
  if (refusal.kind !== "conflict") {
    return null;
  }
  const holders = [...new Map(refusal.conflicts.map(({ heldBy }) => [heldBy.id, heldBy])).values()];
  return (
    <Stack gap={4} role="alert" data-conflicts={refusal.total}>
      <Text size="sm">
        {countOf(refusal.total, refusal.total === 1 ? "record is" : "records are")} held by another task.
        Nothing was changed. Choose what to do about them above.
      </Text>
      {holders.map((holder) => (
        <HolderLine key={holder.id} id={holder.id} title={taskTitle({ model: null, ...holder })} />
      ))}
    </Stack>
  );
}

function HolderLine({ id, title }: { id: string; title: string }): JSX.Element {
  const { feed } = useWorkspace();
  const task = useSyncExternalStore(feed.subscribe, () => feed.read(id));
  return (
    <div>
      <PageLink to="/tasks/$id" params={{ id }} size="sm">
        {title}
      </PageLink>
      {task === undefined ? null : <TaskBar task={task} isThin />}
    </div>
  );
}

/** What the dry run found, while it runs and when it is over. */
function Preview({ taskId }: { taskId: string }): JSX.Element {
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
          {count(succeeded)} would be changed, {count(failed)} would fail, {count(skipped)} would be left out.
        </Text>
      ) : (
        <TaskCounts task={task} />
      )}
      {isSettled(task) ? <Sample taskId={taskId} /> : null}
    </Stack>
  );
}

/** Each changed field over all records, then some records as they are and as they would be. */
function Sample({ taskId }: { taskId: string }): JSX.Element | null {
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
            : `; together ${plainText(before.sum)} → ${plainText(after?.sum)}.`}
        </Text>
      ))}
      <Table verticalSpacing={2} fz="xs" aria-label="Some of the records">
        <Table.Tbody>
          {preview.records.map(({ recordId, before, after, error }) => (
            <Table.Tr key={recordId} data-sample={recordId}>
              <Table.Td>{recordId}</Table.Td>
              <Table.Td>
                {error === null || error === undefined ? changesInWords(before, after) : error.message}
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

function plainText(value: unknown): string {
  return value === null || value === undefined
    ? "–"
    : typeof value === "string"
      ? value
      : JSON.stringify(value);
}
