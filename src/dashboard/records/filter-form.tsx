import { Button, Checkbox, Group, Paper, Text, TextInput } from "@mantine/core";
import type { JSX } from "react";
import { useState } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { Condition } from "../models/condition.ts";
import { flagInWords, isFlag, PICK_WORDS, pickedValue, verbInWords } from "../models/condition.ts";
import type { Model } from "../models/model.ts";
import { keyOf } from "../models/model.ts";
import type { FieldVerbs, Shape, Verb } from "../models/shape.ts";
import { ActionButton, PRIMARY } from "../parts/action-button.tsx";
import { ChooseVerb } from "./choose-verb.tsx";
import { RecordPicker } from "./record-picker.tsx";
import { useShape } from "./use-shape.ts";
import { readValue, ValueInput, writeValue } from "./value-input.tsx";

/** A condition as it is typed, and what it makes. */
interface Draft {
  readonly field?: string | undefined;
  readonly verb?: string | undefined;
  /** Undefined until something is typed: the value is the condition's. */
  readonly text?: string | undefined;
  readonly isAnyCase: boolean;
  readonly path: string;
  /** Whether it asks for one related record, which the text names. */
  readonly isPick: boolean;
  /** On the related records; undefined: that there are any. */
  readonly nested?: Draft | undefined;
  /** Undefined while something is missing, or is not readable. */
  readonly condition: Condition | undefined;
}

const NOTHING: Draft = { isAnyCase: false, path: "", isPick: false, condition: undefined };
/** Records of records of records: further away nobody looks. */
const MOST_NESTED = 3;
/** Operators that take the same kind of value, so that it stays when one is chosen for another. */
const KEEPS_TEXT = new Set(["equals", "not", "gt", "gte", "lt", "lte", "contains", "startsWith", "endsWith"]);
/** Comparisons with an empty text find everything. */
const NEEDS_TEXT = new Set(["contains", "startsWith", "endsWith"]);

/** Adds or changes one condition. */
export function FilterForm(props: {
  shape: Shape;
  condition: Condition | undefined;
  onDone: (condition: Condition) => void;
  onCancel: () => void;
}): JSX.Element {
  const { shape, onDone, onCancel } = props;
  const { models } = useWorkspace();
  const [draft, setDraft] = useState(() => {
    const field = shape.filters.find(({ name }) => name === props.condition?.field);
    return draftOf(props.condition, keyOf(models, field?.model));
  });
  return (
    <Paper
      component="form"
      withBorder
      p="xs"
      aria-label="Filter"
      onSubmit={(event) => {
        event.preventDefault();
        if (draft.condition !== undefined) {
          onDone(draft.condition);
        }
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape" && !event.defaultPrevented) {
          onCancel();
        }
      }}
    >
      <Group gap="xs" align="start">
        <ConditionFields shape={shape} draft={draft} depth={0} onChange={setDraft} />
        <ActionButton
          name="Filter"
          color={PRIMARY}
          reason={draft.condition === undefined ? "Say what to look for first." : undefined}
        />
        <Button size="xs" variant="subtle" onClick={onCancel}>
          Cancel
        </Button>
      </Group>
    </Paper>
  );
}

/** @param key of the related records */
function draftOf(condition: Condition | undefined, key?: string): Draft {
  if (condition === undefined) {
    return NOTHING;
  }
  const { field, verb, nested, anyCase, path = [] } = condition;
  const picked = key === undefined ? undefined : pickedValue(condition, key);
  return {
    field,
    verb,
    isAnyCase: anyCase === true,
    path: path.join("."),
    isPick: picked !== undefined,
    ...(picked === undefined ? {} : { text: String(picked) }),
    nested: nested === undefined || picked !== undefined ? undefined : draftOf(nested),
    condition,
  };
}

function ConditionFields(props: {
  shape: Shape;
  draft: Draft;
  depth: number;
  onChange: (draft: Draft) => void;
}): JSX.Element {
  const { shape, draft, depth, onChange } = props;
  const { models } = useWorkspace();
  const fields = shape.filters.filter(({ model }) => model === undefined || depth < MOST_NESTED);
  const field = fields.find(({ name }) => name === draft.field);
  const verb = field?.verbs.find(({ name }) => name === draft.verb);
  const { data: other } = useShape(field?.model ?? shape.model.name);
  const change = (part: Partial<Draft>): void => {
    const next = { ...draft, ...part };
    onChange({ ...next, condition: conditionOf(shape, next, other) });
  };
  const choices = (one: FieldVerbs): readonly Choice[] => choicesOf(one, models);
  return (
    <>
      <ChooseVerb
        fields={fields}
        field={draft.field}
        choices={choices}
        choice={verb === undefined ? undefined : choiceOf(verb.name, draft)}
        onField={(name) => {
          const next = fields.find((one) => one.name === name);
          const [first] = next === undefined ? [] : choices(next);
          change({
            ...NOTHING,
            field: name,
            nested: undefined,
            ...ofChoice(first?.value ?? "", undefined, NOTHING),
          });
        }}
        onChoice={(choice) => change(ofChoice(choice, verb, draft))}
      />
      {verb === undefined || field === undefined || isFlag(verb.name) ? null : draft.isPick ? (
        <RecordPicker
          reference={{ model: field.model ?? "", field: keyOf(models, field.model) }}
          isList={false}
          label="Value"
          value={draft.text ?? ""}
          onChange={(text) => change({ text })}
        />
      ) : verb.isNested ? (
        <NestedFields field={field} draft={draft} depth={depth} onChange={change} />
      ) : (
        <Comparison shape={shape} field={field} verb={verb} draft={draft} onChange={change} />
      )}
    </>
  );
}

function textOf(verb: Verb, { text, condition }: Draft): string {
  return text ?? writeValue(verb, condition?.value);
}

interface Choice {
  readonly value: string;
  readonly label: string;
}

/**
 * What can be asked about a field. An operator that is yes or no is offered as two, which need no value. Of related records one
 * mostly wants a certain one: to choose it comes first.
 */
function choicesOf(field: FieldVerbs, models: readonly Model[]): readonly Choice[] {
  const canPick = keyOf(models, field.model) !== undefined;
  const picks = field.verbs.flatMap(({ name }): readonly Choice[] => {
    const label = canPick ? PICK_WORDS[name] : undefined;
    return label === undefined ? [] : [{ value: `${name}${PICK}`, label }];
  });
  const others = field.verbs.flatMap(({ name, type }): readonly Choice[] =>
    isFlag(name)
      ? [true, false].map((isYes) => ({
          value: `${name}:${String(isYes)}`,
          label: flagInWords(name, isYes),
        }))
      : [{ value: name, label: verbInWords(name, type) }],
  );
  return [...picks, ...others];
}

/** Behind an operator: one record is chosen. */
const PICK = ":one";

function choiceOf(verb: string, draft: Draft): string {
  if (draft.isPick) {
    return `${verb}${PICK}`;
  }
  return isFlag(verb) ? `${verb}:${draft.text ?? writeFlag(draft.condition)}` : verb;
}

function writeFlag(condition: Condition | undefined): string {
  return condition?.value === false ? "false" : "true";
}

function ofChoice(choice: string, before: Verb | undefined, draft: Draft): Partial<Draft> {
  const [verb = "", detail] = choice.split(":");
  const isPick = choice.endsWith(PICK);
  const keepsText = isPick
    ? draft.isPick
    : before !== undefined && KEEPS_TEXT.has(verb) && KEEPS_TEXT.has(before.name);
  const kept = keepsText ? (before === undefined ? "" : textOf(before, draft)) : "";
  return { verb, isPick, text: isFlag(verb) ? (detail ?? "true") : kept };
}

function Comparison(props: {
  shape: Shape;
  field: FieldVerbs;
  verb: Verb;
  draft: Draft;
  onChange: (part: Partial<Draft>) => void;
}): JSX.Element {
  const { shape, field, verb, draft, onChange } = props;
  return (
    <>
      {field.hasPath ? (
        <TextInput
          size="xs"
          aria-label="Where in it"
          placeholder="where in it: a.b.0"
          value={draft.path}
          onChange={(event) => onChange({ path: event.currentTarget.value })}
        />
      ) : null}
      <ValueInput
        shape={shape}
        verb={verb}
        label="Value"
        value={textOf(verb, draft)}
        onChange={(text) => onChange({ text })}
      />
      {canIgnoreCase(field, verb) ? (
        <Checkbox
          size="xs"
          mt={6}
          label="Ignore case"
          checked={draft.isAnyCase}
          onChange={(event) => onChange({ isAnyCase: event.currentTarget.checked })}
        />
      ) : null}
    </>
  );
}

/** What must hold for the related records, if anything. */
function NestedFields(props: {
  field: FieldVerbs;
  draft: Draft;
  depth: number;
  onChange: (part: Partial<Draft>) => void;
}): JSX.Element {
  const { field, draft, depth, onChange } = props;
  const { models } = useWorkspace();
  const { data: shape } = useShape(field.model ?? "");
  if (!models.some(({ name }) => name === field.model)) {
    return <Text size="xs">You see none of its records.</Text>;
  }
  return (
    <>
      <Checkbox
        size="xs"
        mt={6}
        label="with a condition"
        checked={draft.nested !== undefined}
        onChange={(event) => onChange({ nested: event.currentTarget.checked ? NOTHING : undefined })}
      />
      {draft.nested === undefined || shape === undefined ? null : (
        <ConditionFields
          shape={shape}
          draft={draft.nested}
          depth={depth + 1}
          onChange={(nested) => onChange({ nested })}
        />
      )}
    </>
  );
}

function canIgnoreCase(field: FieldVerbs, verb: Verb): boolean {
  return field.canIgnoreCase && !verb.isList && verb.refersTo === undefined;
}

/** @param other of the field's related records */
function conditionOf(shape: Shape, draft: Draft, other: Shape | undefined): Condition | undefined {
  const field = shape.filters.find(({ name }) => name === draft.field);
  const verb = field?.verbs.find(({ name }) => name === draft.verb);
  if (field === undefined || verb === undefined) {
    return undefined;
  }
  const base = { field: field.name, verb: verb.name };
  if (draft.isPick) {
    const nested = other === undefined ? undefined : pickOf(other, draft.text ?? "");
    return nested === undefined ? undefined : { ...base, nested };
  }
  if (!verb.isNested) {
    const compared = comparisonOf(field, verb, draft);
    return compared === undefined ? undefined : { ...base, ...compared };
  }
  if (draft.nested === undefined) {
    return base;
  }
  return draft.nested.condition === undefined ? undefined : { ...base, nested: draft.nested.condition };
}

/** The condition that only the record with this key meets. */
function pickOf({ model, filters }: Shape, text: string): Condition | undefined {
  const key = filters.find(({ name }) => name === keyOf([model], model.name));
  const equals = key?.verbs.find(({ name }) => name === "equals");
  const value = equals === undefined || text === "" ? undefined : readValue(equals, text);
  return key === undefined || value === undefined ? undefined : { field: key.name, verb: "equals", value };
}

function comparisonOf(
  field: FieldVerbs,
  verb: Verb,
  draft: Draft,
): Pick<Condition, "value" | "anyCase" | "path"> | undefined {
  const text = textOf(verb, draft);
  const value = text === "" && NEEDS_TEXT.has(verb.name) ? undefined : readValue(verb, text);
  const path = draft.path.split(".").filter((step) => step !== "");
  return value === undefined
    ? undefined
    : {
        value,
        ...(draft.isAnyCase && canIgnoreCase(field, verb) ? { anyCase: true as const } : {}),
        ...(path.length === 0 ? {} : { path }),
      };
}
