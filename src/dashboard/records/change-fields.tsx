import { Button, CloseButton, Group, Stack } from "@mantine/core";
import type { JSX } from "react";
import { inWords } from "../models/model.ts";
import type { FieldVerbs, Shape, Verb } from "../models/shape.ts";
import { ChooseVerb } from "./choose-verb.tsx";
import type { BulkChange } from "./launch.ts";
import { readValue, ValueInput } from "./value-input.tsx";

/** A field that is to change, as it is typed; `field` is empty until one is chosen. */
export interface ChangeDraft {
  readonly field: string;
  readonly verb: string;
  readonly text: string;
}

/** A verb of its own: sets null, or no items. */
const CLEAR = "clear";
const CHANGE_WORDS: Readonly<Record<string, string>> = {
  set: "set to",
  [CLEAR]: "clear",
  increment: "add",
  decrement: "subtract",
  multiply: "multiply by",
  divide: "divide by",
};
const LINK_WORDS: Readonly<Record<string, string>> = {
  set: "link only with",
  [CLEAR]: "remove all links",
  add: "add links to",
  remove: "remove links to",
};

/** The change for the API; undefined while nothing, or something unreadable, is typed. */
export function changeOf(shape: Shape, drafts: readonly ChangeDraft[]): BulkChange | undefined {
  const entries = drafts.map((draft) => [draft.field, operandOf(shape, draft)] as const);
  return entries.length === 0 || entries.some(([, operand]) => operand === undefined)
    ? undefined
    : Object.fromEntries(entries as readonly (readonly [string, Record<string, unknown>])[]);
}

function operandOf(shape: Shape, { field, verb, text }: ChangeDraft): Record<string, unknown> | undefined {
  const verbs = shape.bulkChanges.find(({ name }) => name === field)?.verbs ?? [];
  if (verb === CLEAR) {
    const isList = verbs.some(({ name, isList: takesList }) => name === "set" && takesList);
    return { set: isList ? [] : null };
  }
  const found = verbs.find(({ name }) => name === verb);
  const value = found === undefined ? undefined : readValue(found, text);
  return value === undefined ? undefined : { [verb]: value };
}

/** The fields that are to change, each with what is done to it. */
export function ChangeFields(props: {
  shape: Shape;
  drafts: readonly ChangeDraft[];
  onChange: (drafts: readonly ChangeDraft[]) => void;
}): JSX.Element {
  const { shape, drafts, onChange } = props;
  const fields = shape.bulkChanges.map((field) => withClear(shape, field));
  const free = fields.filter(({ name }) => drafts.every(({ field }) => field !== name));
  const put = (at: number, draft: ChangeDraft): void =>
    onChange(drafts.map((one, place) => (place === at ? draft : one)));
  return (
    <Stack gap="xs">
      {drafts.map((draft, at) => {
        const field = fields.find(({ name }) => name === draft.field);
        const verb = field?.verbs.find(({ name }) => name === draft.verb);
        return (
          <Group key={at} gap="xs" align="start" data-change={draft.field}>
            <ChooseVerb
              fields={[...free, ...(field === undefined ? [] : [field])]}
              field={draft.field === "" ? undefined : draft.field}
              choices={choicesOf}
              choice={draft.verb}
              onField={(name) => put(at, newDraft(fields.find((one) => one.name === name)))}
              onChoice={(name) => put(at, { ...draft, verb: name })}
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
              aria-label={field === undefined ? "Change no other field" : `Leave ${field.title} as it is`}
              onClick={() => onChange(drafts.filter((_, place) => place !== at))}
            />
          </Group>
        );
      })}
      <Group>
        <Button
          size="xs"
          variant="default"
          disabled={free.length === 0 || drafts.some(({ field }) => field === "")}
          onClick={() => onChange([...drafts, newDraft(undefined)])}
        >
          {drafts.length === 0 ? "Choose a field to change" : "Change another field"}
        </Button>
      </Group>
    </Stack>
  );
}

function newDraft(field: FieldVerbs | undefined): ChangeDraft {
  return { field: field?.name ?? "", verb: field?.verbs[0]?.name ?? "set", text: "" };
}

function choicesOf(field: FieldVerbs): readonly { readonly value: string; readonly label: string }[] {
  const words = field.model === undefined ? CHANGE_WORDS : LINK_WORDS;
  return field.verbs.map(({ name }) => ({ value: name, label: words[name] ?? inWords(name).toLowerCase() }));
}

/** Offered where a value, or a list of them, may be empty. */
function withClear(shape: Shape, field: FieldVerbs): FieldVerbs {
  const set = field.verbs.find(({ name }) => name === "set");
  const isRequired = shape.fields.find(({ name }) => name === field.name)?.isRequired === true;
  if (set === undefined || (isRequired && !set.isList)) {
    return field;
  }
  const clear: Verb = { ...set, name: CLEAR };
  return { ...field, verbs: [...field.verbs, clear] };
}
