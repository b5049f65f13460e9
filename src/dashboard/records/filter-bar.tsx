import { Button, Group, Pill, Popover, Select, Stack } from "@mantine/core";
import type { JSX } from "react";
import { useState } from "react";
import type { FieldVerbs, Shape, Verb } from "../models/shape.ts";
import { inWords } from "../models/model.ts";
import { readValue, ValueInput } from "./value-input.tsx";

/** A condition as the address keeps it: a field, what must hold, and with what. */
export interface Condition {
  readonly field: string;
  readonly verb: string;
  readonly value: unknown;
}

const VERB_WORDS: Readonly<Record<string, string>> = {
  equals: "is",
  not: "is not",
  in: "is one of",
  notIn: "is none of",
  gt: "is greater than",
  gte: "is at least",
  lt: "is less than",
  lte: "is at most",
  contains: "has",
  startsWith: "starts with",
  endsWith: "ends with",
  isNull: "is empty",
  has: "has",
  hasEvery: "has all of",
  hasSome: "has one of",
  isEmpty: "has none",
};

/** What a verb of a filter means, in words. */
function verbInWords(verb: string): string {
  return VERB_WORDS[verb] ?? inWords(verb).toLowerCase();
}

/** The filter that all conditions make together; undefined for none. */
export function whereOf(conditions: readonly Condition[]): Readonly<Record<string, unknown>> | undefined {
  const parts = conditions.map(({ field, verb, value }) => ({ [field]: { [verb]: value } }));
  return parts.length > 1 ? { AND: parts } : parts[0];
}

/** The conditions as chips, and a form that adds one. */
export function FilterBar(props: {
  shape: Shape;
  conditions: readonly Condition[];
  onChange: (conditions: readonly Condition[]) => void;
}): JSX.Element {
  const { shape, conditions, onChange } = props;
  return (
    <Group gap={6}>
      {conditions.map((condition, at) => (
        <Pill
          key={JSON.stringify(condition)}
          size="sm"
          withRemoveButton
          removeButtonProps={{ "aria-label": "Remove this filter" }}
          onRemove={() => onChange(conditions.filter((_, place) => place !== at))}
        >
          {`${inWords(condition.field)} ${verbInWords(condition.verb)} ${
            condition.verb === "isNull"
              ? condition.value === true
                ? ""
                : "not"
              : JSON.stringify(condition.value)
          }`}
        </Pill>
      ))}
      {shape.filters.length === 0 ? null : (
        <AddCondition shape={shape} onAdd={(condition) => onChange([...conditions, condition])} />
      )}
    </Group>
  );
}

function AddCondition(props: { shape: Shape; onAdd: (condition: Condition) => void }): JSX.Element {
  const { shape, onAdd } = props;
  const [isOpen, setOpen] = useState(false);
  const [fieldName, setField] = useState<string>();
  const [verbName, setVerb] = useState<string>();
  const [text, setText] = useState("");
  const field = shape.filters.find(({ name }) => name === fieldName);
  const verb = field?.verbs.find(({ name }) => name === verbName);
  const value = verb === undefined ? undefined : readValue(verb, text);
  const add = (): void => {
    if (field !== undefined && verb !== undefined && value !== undefined) {
      onAdd({ field: field.name, verb: verb.name, value });
      setOpen(false);
      setText("");
    }
  };
  return (
    <Popover opened={isOpen} onChange={setOpen} width={280} position="bottom-start" trapFocus>
      <Popover.Target>
        <Button size="compact-xs" variant="default" onClick={() => setOpen((before) => !before)}>
          Add filter
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            add();
          }}
        >
          <Stack gap="xs">
            <ChooseVerb
              fields={shape.filters}
              field={fieldName}
              verb={verbName}
              words={verbInWords}
              onField={(next, first) => {
                setField(next);
                setVerb(first?.name);
                setText("");
              }}
              onVerb={(next) => {
                setVerb(next);
                setText("");
              }}
            />
            {verb === undefined ? null : (
              <ValueInput shape={shape} verb={verb} label="Value" value={text} onChange={setText} />
            )}
            <Button size="xs" type="submit" disabled={value === undefined}>
              Filter
            </Button>
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

/** Chooses a field, and what is done with it. */
export function ChooseVerb(props: {
  fields: readonly FieldVerbs[];
  field: string | undefined;
  verb: string | undefined;
  words: (verb: string) => string;
  onField: (field: string, first: Verb | undefined) => void;
  onVerb: (verb: string) => void;
}): JSX.Element {
  const { fields, field, verb, words, onField, onVerb } = props;
  const chosen = fields.find(({ name }) => name === field);
  return (
    <>
      <Select
        size="xs"
        aria-label="Field"
        placeholder="Field"
        searchable
        comboboxProps={{ withinPortal: false }}
        data={fields.map(({ name, title }) => ({ value: name, label: title }))}
        value={field ?? null}
        onChange={(next) => {
          if (next !== null) {
            onField(next, fields.find(({ name }) => name === next)?.verbs[0]);
          }
        }}
      />
      {chosen === undefined ? null : (
        <Select
          size="xs"
          aria-label="What"
          comboboxProps={{ withinPortal: false }}
          data={chosen.verbs.map(({ name }) => ({ value: name, label: words(name) }))}
          value={verb ?? null}
          onChange={(next) => (next === null ? undefined : onVerb(next))}
        />
      )}
    </>
  );
}
