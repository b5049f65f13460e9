import { Button, Checkbox, Group, Paper, Text, TextInput } from "@mantine/core";
import type { JSX } from "react";
import { useState } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { Condition } from "../models/condition.ts";
import { flagInWords, isFlag, verbInWords } from "../models/condition.ts";
import type { FieldVerbs, Shape, Verb } from "../models/shape.ts";
import { ChooseVerb } from "./choose-verb.tsx";
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
  /** On the related records; undefined: that there are any. */
  readonly nested?: Draft | undefined;
  /** Undefined while something is missing, or is not readable. */
  readonly condition: Condition | undefined;
}

const NOTHING: Draft = { isAnyCase: false, path: "", condition: undefined };
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
  const [draft, setDraft] = useState(() => draftOf(props.condition));
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
        <Button size="xs" type="submit" disabled={draft.condition === undefined}>
          Filter
        </Button>
        <Button size="xs" variant="subtle" onClick={onCancel}>
          Cancel
        </Button>
      </Group>
    </Paper>
  );
}

function draftOf(condition: Condition | undefined): Draft {
  if (condition === undefined) {
    return NOTHING;
  }
  const { field, verb, nested, anyCase, path = [] } = condition;
  return {
    field,
    verb,
    isAnyCase: anyCase === true,
    path: path.join("."),
    nested: nested === undefined ? undefined : draftOf(nested),
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
  const fields = shape.filters.filter(({ model }) => model === undefined || depth < MOST_NESTED);
  const field = fields.find(({ name }) => name === draft.field);
  const verb = field?.verbs.find(({ name }) => name === draft.verb);
  const change = (part: Partial<Draft>): void => {
    const next = { ...draft, ...part };
    onChange({ ...next, condition: conditionOf(shape, next) });
  };
  return (
    <>
      <ChooseVerb
        fields={fields}
        field={draft.field}
        choices={choicesOf}
        choice={verb === undefined ? undefined : choiceOf(verb.name, textOf(verb, draft))}
        onField={(name) => {
          const [first] = fields.find((one) => one.name === name)?.verbs ?? [];
          const text = isFlag(first?.name ?? "") ? "true" : "";
          // Of a record that is referred to, something is asked; of many, whether there are any may be enough.
          const nested = first?.isNested === true && first.name === "is" ? NOTHING : undefined;
          change({ ...NOTHING, field: name, verb: first?.name, text, nested });
        }}
        onChoice={(choice) => change(ofChoice(choice, verb, draft))}
      />
      {verb === undefined || field === undefined || isFlag(verb.name) ? null : verb.isNested ? (
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

/** An operator that is yes or no is offered as two, which need no value. */
function choicesOf(field: FieldVerbs): readonly { readonly value: string; readonly label: string }[] {
  return field.verbs.flatMap(({ name, type }) =>
    isFlag(name)
      ? [true, false].map((isYes) => ({
          value: choiceOf(name, String(isYes)),
          label: flagInWords(name, isYes),
        }))
      : { value: name, label: verbInWords(name, type) },
  );
}

function choiceOf(verb: string, text: string): string {
  return isFlag(verb) ? `${verb}:${text}` : verb;
}

function ofChoice(choice: string, before: Verb | undefined, draft: Draft): Partial<Draft> {
  const [verb = "", flag] = choice.split(":");
  const keepsText = before !== undefined && KEEPS_TEXT.has(verb) && KEEPS_TEXT.has(before.name);
  return { verb, text: flag ?? (keepsText ? textOf(before, draft) : "") };
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

function conditionOf(shape: Shape, draft: Draft): Condition | undefined {
  const field = shape.filters.find(({ name }) => name === draft.field);
  const verb = field?.verbs.find(({ name }) => name === draft.verb);
  if (field === undefined || verb === undefined) {
    return undefined;
  }
  const base = { field: field.name, verb: verb.name };
  if (!verb.isNested) {
    const compared = comparisonOf(field, verb, draft);
    return compared === undefined ? undefined : { ...base, ...compared };
  }
  if (draft.nested === undefined) {
    return base;
  }
  return draft.nested.condition === undefined ? undefined : { ...base, nested: draft.nested.condition };
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
