import { NumberInput, Select, TextInput } from "@mantine/core";
import type { JSX } from "react";
import type { Shape, Verb } from "../models/shape.ts";
import { useAnswer } from "../parts/use-answer.ts";

interface ValueInputProps {
  readonly shape: Shape;
  readonly verb: Verb;
  readonly label: string;
  /** As text, whatever the type; see {@link readValue}. */
  readonly value: string;
  readonly onChange: (value: string) => void;
}

const WHOLE = new Set(["Int", "BigInt"]);
const NUMBERS = new Set(["Int", "Float", "BigInt", "Decimal"]);
/** Beyond this, JavaScript's numbers lose digits. Such types stay text. */
const EXACT = new Set(["Int", "Float"]);

/** The control for a value of the verb's type. */
export function ValueInput({ shape, verb, label, value, onChange }: ValueInputProps): JSX.Element {
  const { data: values = [] } = useAnswer(verb.type, async () =>
    verb.isEnum ? shape.values(verb.type) : [],
  );
  const shared = { size: "xs", "aria-label": label } as const;
  if (verb.type === "Boolean") {
    const choices = ["true", "false"].map((each) => ({ value: each, label: each === "true" ? "yes" : "no" }));
    return (
      <Select {...shared} data={choices} value={value || null} onChange={(next) => onChange(next ?? "")} />
    );
  }
  if (verb.isEnum && !verb.isList) {
    return (
      <Select
        {...shared}
        searchable
        data={[...values]}
        value={value || null}
        onChange={(next) => onChange(next ?? "")}
      />
    );
  }
  if (EXACT.has(verb.type) && !verb.isList) {
    return (
      <NumberInput
        {...shared}
        allowDecimal={!WHOLE.has(verb.type)}
        value={value}
        onChange={(next) => onChange(String(next))}
      />
    );
  }
  const type = verb.type === "DateTime" && !verb.isList ? "datetime-local" : "text";
  const placeholder = verb.isList ? "separated by commas" : "";
  return (
    <TextInput
      {...shared}
      type={type}
      step={1}
      placeholder={placeholder}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

/** The value for the API. @returns undefined where the text is none of the type's */
export function readValue(verb: Verb, text: string): unknown {
  if (verb.isList) {
    const items = text.split(",").map((item) => item.trim());
    const values = items.filter((item) => item !== "").map((item) => readItem(verb.type, item));
    return values.length === 0 || values.includes(undefined) ? undefined : values;
  }
  return readItem(verb.type, text);
}

function readItem(type: string, text: string): unknown {
  if (NUMBERS.has(type)) {
    const isNumber = text.trim() !== "" && Number.isFinite(Number(text));
    return isNumber ? (EXACT.has(type) ? Number(text) : text.trim()) : undefined;
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
