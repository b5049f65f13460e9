import { Button, Group, Input, Stack } from "@mantine/core";
import type { JSX } from "react";
import { useState } from "react";
import type { FormField, Shape } from "../models/shape.ts";
import { readValue, ValueInput } from "./value-input.tsx";

/** The fields as they are typed, by name. */
type Typed = Readonly<Record<string, string>>;

/** A form of the fields of one record. Only what was changed is sent. */
export function RecordForm(props: {
  shape: Shape;
  fields: readonly FormField[];
  /** What it begins with; for a new record nothing. */
  record?: Readonly<Record<string, unknown>> | undefined;
  problems: ReadonlyMap<string, string>;
  isDisabled?: boolean;
  submit: string;
  onSubmit: (data: Readonly<Record<string, unknown>>) => Promise<void>;
}): JSX.Element {
  const { shape, fields, record = {}, problems, isDisabled = false, submit, onSubmit } = props;
  const [typed, setTyped] = useState<Typed>({});
  const [isBusy, setBusy] = useState(false);
  const changed = fields.filter(
    ({ name }) => typed[name] !== undefined && typed[name] !== textOf(record[name]),
  );
  const unreadable = changed.filter((field) => valueOf(field, typed[field.name] ?? "") === undefined);
  const missing = fields.filter(
    ({ name, isRequired }) => isRequired && (typed[name] ?? textOf(record[name])) === "",
  );
  const send = async (): Promise<void> => {
    setBusy(true);
    try {
      await onSubmit(
        Object.fromEntries(changed.map((field) => [field.name, valueOf(field, typed[field.name] ?? "")])),
      );
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <fieldset disabled={isDisabled} className="plain">
        <Stack gap="sm">
          {fields.map((field) => (
            <Input.Wrapper
              key={field.name}
              size="xs"
              label={field.title}
              description={field.description}
              required={field.isRequired}
              labelElement="div"
              error={
                problems.get(field.name) ??
                (unreadable.includes(field) ? `This is no ${field.verb.type}.` : undefined)
              }
            >
              <ValueInput
                shape={shape}
                verb={field.verb}
                label={field.title}
                value={typed[field.name] ?? textOf(record[field.name])}
                onChange={(text) => setTyped((before) => ({ ...before, [field.name]: text }))}
              />
            </Input.Wrapper>
          ))}
          <Group>
            <Button
              type="submit"
              size="xs"
              loading={isBusy}
              disabled={isDisabled || changed.length === 0 || unreadable.length > 0 || missing.length > 0}
            >
              {submit}
            </Button>
          </Group>
        </Stack>
      </fieldset>
    </form>
  );
}

/** An emptied field is null where it may be, and the empty text where it must be a text. */
function valueOf({ verb, isRequired }: FormField, text: string): unknown {
  if (text === "" && !isRequired) {
    return verb.isList ? [] : null;
  }
  return readValue(verb, text);
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) {
    return "";
  }
  if (Array.isArray(value)) {
    return value.map(textOf).join(", ");
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}
