import { Stack } from "@mantine/core";
import type { JSX } from "react";
import type { FormField } from "../models/shape.ts";
import { RecordPicker } from "./record-picker.tsx";
import { writeList } from "./value-list.ts";

/** Links that are to be added and removed, by the ids of the other records. */
interface Links {
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

/** The links that a control keeps as text. */
export function readLinks(text: string): Links {
  return text === "" ? {} : (JSON.parse(text) as Links);
}

function writeLinks(links: Links): string {
  const kept = Object.entries(links).filter(([, ids]) => ids.length > 0);
  return kept.length === 0 ? "" : JSON.stringify(Object.fromEntries(kept));
}

/** Adds links to other records, and removes some; those that are not named stay as they are. */
export function LinksInput(props: {
  field: FormField;
  value: string;
  onChange: (text: string) => void;
}): JSX.Element | null {
  const { field, value, onChange } = props;
  const links = readLinks(value);
  const reference = field.verb.refersTo;
  return reference === undefined ? null : (
    <Stack gap={4}>
      {(["add", "remove"] as const).map((verb) => (
        <RecordPicker
          key={verb}
          reference={reference}
          isList
          label={`${verb === "add" ? "Add to" : "Remove from"} ${field.title}`}
          hint={verb === "add" ? "Add…" : "Remove…"}
          value={writeList(links[verb] ?? [])}
          onChange={(text) => onChange(writeLinks({ ...links, [verb]: text === "" ? [] : JSON.parse(text) }))}
        />
      ))}
    </Stack>
  );
}
