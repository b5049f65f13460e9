import { JsonInput, MultiSelect, Select, TagsInput, Textarea, TextInput } from "@mantine/core";
import type { JSX } from "react";
import type { Shape, Verb } from "../models/shape.ts";
import { useAnswer } from "../parts/use-answer.ts";
import { RecordPicker } from "./record-picker.tsx";
import { readList, writeList } from "./value-list.ts";

interface ValueInputProps {
  readonly shape: Shape;
  readonly verb: Verb;
  readonly label: string;
  /** As text, whatever the type; see {@link readValue}. */
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** Whether a text may have lines. Default: it may not. */
  readonly isLong?: boolean;
}

const WHOLE = new Set(["Int", "BigInt"]);
const NUMBERS = new Set(["Int", "Float", "BigInt", "Decimal"]);
/** Beyond this, JavaScript's numbers lose digits. Such types stay text. */
const EXACT = new Set(["Int", "Float"]);
/** Verbs whose value is all of a record's name, not a part of it or a bound. */
export const NAMING: ReadonlySet<string> = new Set([
  "equals",
  "not",
  "in",
  "notIn",
  "set",
  "add",
  "remove",
  "has",
  "hasSome",
  "hasEvery",
]);
const CHOICES = [
  { value: "true", label: "yes" },
  { value: "false", label: "no" },
];

/** The control for a value of the verb's type. */
export function ValueInput(props: ValueInputProps): JSX.Element {
  const { verb, label, value, onChange } = props;
  if (verb.refersTo !== undefined && NAMING.has(verb.name)) {
    const { refersTo, isList } = verb;
    return (
      <RecordPicker reference={refersTo} isList={isList} label={label} value={value} onChange={onChange} />
    );
  }
  if (verb.isEnum) {
    return <EnumInput {...props} />;
  }
  return verb.isList ? (
    <TagsInput
      size="xs"
      flex={1}
      aria-label={label}
      placeholder="Enter after each"
      acceptValueOnBlur
      value={[...readList(value)]}
      onChange={(items) => onChange(writeList(items))}
    />
  ) : (
    <OneInput {...props} />
  );
}

function EnumInput({ shape, verb, label, value, onChange }: ValueInputProps): JSX.Element {
  const { data: values = [] } = useAnswer(verb.type, () => shape.values(verb.type));
  const shared = { size: "xs", flex: 1, "aria-label": label, data: [...values], searchable: true } as const;
  return verb.isList ? (
    <MultiSelect {...shared} value={[...readList(value)]} onChange={(items) => onChange(writeList(items))} />
  ) : (
    <Select {...shared} clearable value={value || null} onChange={(next) => onChange(next ?? "")} />
  );
}

function OneInput({ verb, label, value, onChange, isLong = false }: ValueInputProps): JSX.Element {
  const shared = { size: "xs", flex: 1, miw: 140, "aria-label": label } as const;
  if (verb.type === "Boolean") {
    return (
      <Select
        {...shared}
        clearable
        data={CHOICES}
        value={value || null}
        onChange={(next) => onChange(next ?? "")}
      />
    );
  }
  if (verb.type === "JSON") {
    return <JsonInput {...shared} autosize minRows={2} maxRows={16} value={value} onChange={onChange} />;
  }
  if (verb.type === "DateTime") {
    return (
      <TextInput
        {...shared}
        type="datetime-local"
        step={1}
        value={localTime(value)}
        onChange={(event) => onChange(exactTime(event.currentTarget.value))}
      />
    );
  }
  if (isLong && verb.type === "String") {
    return (
      <Textarea
        {...shared}
        autosize
        minRows={1}
        maxRows={12}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    );
  }
  return (
    <TextInput
      {...shared}
      inputMode={WHOLE.has(verb.type) ? "numeric" : NUMBERS.has(verb.type) ? "decimal" : "text"}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

/** The value for the API. @returns undefined where the text is none of the type's */
export function readValue(verb: Verb, text: string): unknown {
  if (verb.isList) {
    const values = readList(text).map((item) => readItem(verb.type, item));
    return values.length === 0 || values.includes(undefined) ? undefined : values;
  }
  return readItem(verb.type, text);
}

function readItem(type: string, text: string): unknown {
  if (NUMBERS.has(type)) {
    return readNumber(type, text.trim());
  }
  if (type === "Boolean") {
    return text === "" ? undefined : text === "true";
  }
  if (type === "DateTime") {
    const time = Date.parse(text);
    return Number.isNaN(time) ? undefined : new Date(time).toISOString();
  }
  if (type === "JSON") {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return undefined;
    }
  }
  return text;
}

function readNumber(type: string, text: string): unknown {
  const isWhole = !/[.e]/i.test(text);
  if (text === "" || !Number.isFinite(Number(text)) || (WHOLE.has(type) && !isWhole)) {
    return undefined;
  }
  return EXACT.has(type) ? Number(text) : text;
}

/** A value of the API as the text of the verb's control; the way back from {@link readValue}. */
export function writeValue({ type, isList }: Verb, value: unknown): string {
  if (value === null || value === undefined) {
    return "";
  }
  if (isList) {
    return Array.isArray(value) ? writeList(value.map((item) => writeItem(type, item))) : "";
  }
  return writeItem(type, value);
}

function writeItem(type: string, value: unknown): string {
  if (type === "JSON") {
    return JSON.stringify(value, undefined, 2);
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What the browser's control for a time takes: "2026-11-28T17:20:00", in the browser's own time zone. */
function localTime(text: string): string {
  const time = new Date(text);
  if (text === "" || Number.isNaN(time.getTime())) {
    return "";
  }
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

function exactTime(local: string): string {
  const time = new Date(local);
  return Number.isNaN(time.getTime()) ? "" : time.toISOString();
}
