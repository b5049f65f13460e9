import { MultiSelect, Select, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import type { JSX } from "react";
import { useState } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import { findDocument } from "../models/find-document.ts";
import type { FoundRecord } from "../models/find-document.ts";
import type { Reference, Shape } from "../models/shape.ts";
import { useAnswer } from "../parts/use-answer.ts";
import { useShape } from "./use-shape.ts";
import { readList, writeList } from "./value-list.ts";

interface RecordPickerProps {
  readonly reference: Reference;
  readonly isList: boolean;
  readonly label: string;
  /** Stands in the empty field. Default: where it looks. */
  readonly hint?: string;
  /** The value that names the record, or a list of them; see value-list. */
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** One types until the next search begins this long after the last letter. */
const PAUSE_MS = 200;
const MOST_FOUND = 20;

/** Finds other records by what they are called. Where the caller sees none of them, it takes their value as text. */
export function RecordPicker(props: RecordPickerProps): JSX.Element {
  const { reference, isList, label, value, onChange } = props;
  const { models } = useWorkspace();
  const { data: shape } = useShape(reference.model);
  const isSeen = models.some(({ name }) => name === reference.model);
  const canName =
    reference.field === undefined ||
    reference.field === "id" ||
    shape?.fields.some(({ name }) => name === reference.field) !== false;
  if (!isSeen || !canName) {
    return (
      <TextInput
        size="xs"
        flex={1}
        aria-label={label}
        placeholder={isList ? "separated by commas" : ""}
        value={isList ? readList(value).join(",") : value}
        onChange={({ currentTarget: { value: text } }) =>
          onChange(isList ? writeList(text.split(",").filter((item) => item !== "")) : text)
        }
      />
    );
  }
  return shape === undefined ? (
    <TextInput size="xs" flex={1} aria-label={label} disabled value="" readOnly />
  ) : (
    <Finder {...props} shape={shape} />
  );
}

function Finder(props: RecordPickerProps & { shape: Shape }): JSX.Element {
  const { shape, reference, isList, label, value, onChange } = props;
  const { hint = `Find in ${shape.model.title.toLowerCase()}` } = props;
  const [text, setText] = useState("");
  const chosen = isList ? readList(value) : value === "" ? [] : [value];
  const { options, isSettled } = useOptions(shape, reference, { text, chosen });
  const shared = {
    size: "xs",
    flex: 1,
    miw: 160,
    "aria-label": label,
    placeholder: chosen.length === 0 ? hint : "",
    searchable: true,
    clearable: true,
    data: [...options],
    // The service has searched already.
    filter: ({ options: all }: { options: readonly unknown[] }) => all as never,
    searchValue: text,
    onSearchChange: setText,
    // Not over the form while nothing is sought, or not yet.
    nothingFoundMessage: text !== "" && isSettled ? "Nothing found" : undefined,
  } as const;
  return isList ? (
    <MultiSelect
      {...shared}
      hidePickedOptions
      value={[...chosen]}
      onChange={(values) => onChange(writeList(values))}
    />
  ) : (
    <Select {...shared} value={value === "" ? null : value} onChange={(next) => onChange(next ?? "")} />
  );
}

interface Option {
  readonly value: string;
  readonly label: string;
}

/** The records that the text finds, and those that are chosen, each once. */
function useOptions(
  shape: Shape,
  reference: Reference,
  { text, chosen }: { readonly text: string; readonly chosen: readonly string[] },
): { readonly options: readonly Option[]; readonly isSettled: boolean } {
  const { connection } = useWorkspace();
  const [known, setKnown] = useState<ReadonlyMap<string, Option>>(new Map());
  // The control writes the chosen record's name into the field: that is no search.
  const isName = chosen.some((value) => known.get(value)?.label === text);
  const [wanted] = useDebouncedValue(isName ? "" : text.trim(), PAUSE_MS);
  const unknown = chosen.filter((value) => !known.has(value));
  const find = findDocument(shape, reference, { text: wanted, values: unknown, most: MOST_FOUND });
  const { data, isLoading } = useAnswer(JSON.stringify([shape.model.name, find.variables]), async () => {
    const { found, named } = await connection.request<FoundRecords, object>(find.document, find.variables);
    const options = found.nodes.map(find.optionOf);
    const names = (named?.nodes ?? []).map(find.optionOf);
    setKnown(
      (before) => new Map([...before, ...[...options, ...names].map((one) => [one.value, one] as const)]),
    );
    return options;
  });
  const others = chosen.map((value) => known.get(value) ?? { value, label: value });
  const found = (data ?? []).filter(({ value }) => !chosen.includes(value));
  return { options: [...others, ...found], isSettled: !isLoading && (isName || wanted === text.trim()) };
}

interface FoundRecords {
  readonly found: { readonly nodes: readonly FoundRecord[] };
  readonly named?: { readonly nodes: readonly FoundRecord[] };
}
