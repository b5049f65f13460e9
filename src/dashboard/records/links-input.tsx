import { Select, Stack, Text } from "@mantine/core";
import type { JSX } from "react";
import { useState } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { RelatedRecords } from "../models/list-document.ts";
import { linksDocument } from "../models/list-document.ts";
import type { FormField, Shape } from "../models/shape.ts";
import { Failure } from "../parts/notice.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { countOf } from "../tasks/task-words.ts";
import { RecordPicker } from "./record-picker.tsx";
import { readList, writeList } from "./value-list.ts";

/** Links that are to be added and removed, or all that are to be, by the ids of the other records. */
interface Links {
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
  readonly set?: readonly string[];
}

/** More links than that are not shown one by one. */
const MOST_SHOWN = 100;
const SOME = "some";
const MANNERS = [
  { value: SOME, label: "Add and remove some" },
  { value: "set", label: "Choose all" },
];

/** The links that a control keeps as text. */
export function readLinks(text: string): Links {
  return text === "" ? {} : (JSON.parse(text) as Links);
}

function writeLinks({ set, ...some }: Links): string {
  const kept = Object.entries(some).filter(([, ids]) => ids.length > 0);
  const links = set === undefined ? Object.fromEntries(kept) : { set };
  return Object.keys(links).length === 0 ? "" : JSON.stringify(links);
}

interface LinksInputProps {
  readonly shape: Shape;
  readonly field: FormField;
  /** The record whose links they are. */
  readonly id: string;
  readonly value: string;
  readonly onChange: (text: string) => void;
}

/** Adds links to other records and removes some, where those that are not named stay as they are; or says which there are to be. */
export function LinksInput(props: LinksInputProps): JSX.Element {
  const { field, value, onChange } = props;
  const links = readLinks(value);
  const [manner, setManner] = useState<string>(SOME);
  return (
    <Stack gap={4}>
      <Select
        size="xs"
        aria-label={`How to change ${field.title}`}
        allowDeselect={false}
        data={MANNERS}
        value={manner}
        onChange={(next) => {
          setManner(next ?? SOME);
          onChange("");
        }}
      />
      {manner === SOME ? (
        (["add", "remove"] as const).map((verb) => (
          <LinksPicker
            key={verb}
            field={field}
            label={`${verb === "add" ? "Add to" : "Remove from"} ${field.title}`}
            hint={verb === "add" ? "Add…" : "Remove…"}
            ids={links[verb] ?? []}
            onChange={(ids) => onChange(writeLinks({ ...links, [verb]: ids }))}
          />
        ))
      ) : (
        <AllLinks {...props} set={links.set} />
      )}
    </Stack>
  );
}

/** All links, beginning with those that there are. Where these are too many to be shown, those that are chosen take their place. */
function AllLinks(props: LinksInputProps & { set: readonly string[] | undefined }): JSX.Element {
  const { shape, field, id, set, onChange } = props;
  const { connection } = useWorkspace();
  const answer = useAnswer(`links ${shape.model.name} ${id} ${field.name}`, async () => {
    const document = linksDocument(shape, field.name, MOST_SHOWN);
    const { record } = await connection.request<RelatedRecords, object>(document, { id });
    return record?.[field.name];
  });
  const { data } = answer;
  if (data === undefined) {
    return answer.error === undefined ? (
      <Text size="xs">Reading the links…</Text>
    ) : (
      <Failure message={answer.error} onRetry={answer.reload} />
    );
  }
  const isShort = data.totalCount <= MOST_SHOWN;
  return (
    <>
      <LinksPicker
        field={field}
        label={`All ${field.title}`}
        hint="No links"
        ids={set ?? (isShort ? data.nodes.map((one) => one.id) : [])}
        onChange={(ids) => onChange(writeLinks({ set: ids }))}
      />
      {isShort ? null : (
        <Text size="xs">
          It has {countOf(data.totalCount, "links")}. Those that you choose take their place.
        </Text>
      )}
    </>
  );
}

function LinksPicker(props: {
  field: FormField;
  label: string;
  hint: string;
  ids: readonly string[];
  onChange: (ids: readonly string[]) => void;
}): JSX.Element | null {
  const { field, label, hint, ids, onChange } = props;
  const reference = field.verb.refersTo;
  return reference === undefined ? null : (
    <RecordPicker
      reference={reference}
      isList
      label={label}
      hint={hint}
      value={writeList(ids)}
      onChange={(text) => onChange(readList(text))}
    />
  );
}
