import { Group, Input, Stack } from "@mantine/core";
import type { JSX } from "react";
import { useState } from "react";
import type { FormField, Shape } from "../models/shape.ts";
import { ActionButton, PRIMARY } from "../parts/action-button.tsx";
import { LinksInput, readLinks } from "./links-input.tsx";
import { readValue, ValueInput, writeValue } from "./value-input.tsx";

/** The fields as they are typed, by name. */
export type Typed = Readonly<Record<string, string>>;

/** What is typed over a record. */
export interface Draft<Base> {
  /** The record as it was when the first field was typed; until then, as it is now. */
  readonly base: Base;
  readonly typed: Typed;
  /** @param text undefined: as it is in the base */
  readonly type: (name: string, text: string | undefined) => void;
  /** Takes what was written, or what somebody else wrote, as the new base, and keeps what was typed since `sent`. */
  readonly settle: (sent: Typed, written: Base) => void;
}

/** @param record as it is now, for a new record what it begins with */
export function useDraft<Base>(record: Base): Draft<Base> {
  const [begun, setBegun] = useState<{ base: Base; typed: Typed }>();
  // What was written holds until the record is read again.
  const [latest, setLatest] = useState<{ seen: Base; written: Base }>();
  const current = latest?.seen === record ? latest.written : record;
  return {
    base: begun?.base ?? current,
    typed: begun?.typed ?? {},
    type: (name, text) =>
      setBegun((before) => {
        const { [name]: _, ...others } = before?.typed ?? {};
        return {
          base: before?.base ?? current,
          typed: text === undefined ? others : { ...others, [name]: text },
        };
      }),
    settle: (sent, written) => {
      setLatest({ seen: record, written });
      setBegun((before) => {
        const kept = Object.entries(before?.typed ?? {}).filter(([name, text]) => sent[name] !== text);
        return kept.length === 0 ? undefined : { base: written, typed: Object.fromEntries(kept) };
      });
    },
  };
}

/** A form of the fields of one record. Only what was changed is sent. */
export function RecordForm(props: {
  shape: Shape;
  fields: readonly FormField[];
  draft: Pick<Draft<Readonly<Record<string, unknown>>>, "base" | "typed" | "type">;
  problems: ReadonlyMap<string, string>;
  isDisabled?: boolean;
  /** Titles of fields of which one must say first whose value is kept. */
  toDecide?: readonly string[] | undefined;
  submit: string;
  onSubmit: (data: Readonly<Record<string, unknown>>) => Promise<void>;
}): JSX.Element {
  const { shape, fields, draft, problems, isDisabled = false, toDecide = [], submit, onSubmit } = props;
  const { base: record, typed } = draft;
  const [isBusy, setBusy] = useState(false);
  const changed = changedFields(fields, typed, record);
  const unreadable = changed.filter((field) => valueOf(field, typed[field.name] ?? "") === undefined);
  const missing = fields.filter(
    (field) => field.isRequired && (typed[field.name] ?? textOf(field, record)) === "",
  );
  const reason = isDisabled
    ? "A task holds it."
    : toDecide.length > 0
      ? `Say first whose ${toDecide.join(" and ")} to keep.`
      : unreadable.length > 0
        ? `Mend ${titlesOf(unreadable)} first.`
        : missing.length > 0
          ? `Fill in ${titlesOf(missing)} first.`
          : changed.length === 0
            ? "Nothing is changed yet."
            : undefined;
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
        if (reason === undefined) {
          void send();
        }
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
              <FieldInput
                shape={shape}
                field={field}
                id={typeof record["id"] === "string" ? record["id"] : undefined}
                value={typed[field.name] ?? textOf(field, record)}
                onChange={(text) => draft.type(field.name, text)}
              />
            </Input.Wrapper>
          ))}
          <Group>
            <ActionButton name={submit} color={PRIMARY} isBusy={isBusy} reason={reason} />
          </Group>
        </Stack>
      </fieldset>
    </form>
  );
}

/** Where what was typed differs from the record. */
export function changedFields(
  fields: readonly FormField[],
  typed: Typed,
  record: Readonly<Record<string, unknown>>,
): readonly FormField[] {
  return fields.filter(
    (field) => typed[field.name] !== undefined && typed[field.name] !== textOf(field, record),
  );
}

function titlesOf(fields: readonly FormField[]): string {
  return fields.map(({ title }) => title).join(" and ");
}

function FieldInput(props: {
  shape: Shape;
  field: FormField;
  id: string | undefined;
  value: string;
  onChange: (text: string) => void;
}): JSX.Element {
  const { shape, field, id, value, onChange } = props;
  return field.isLinks && id !== undefined ? (
    <LinksInput shape={shape} field={field} id={id} value={value} onChange={onChange} />
  ) : (
    <ValueInput
      shape={shape}
      verb={field.verb}
      label={field.title}
      value={value}
      isLong
      onChange={onChange}
    />
  );
}

/** An emptied field is null where it may be, and the empty text where it must be a text. */
export function valueOf({ verb, isLinks, isRequired }: FormField, text: string): unknown {
  if (isLinks) {
    return readLinks(text);
  }
  if (text === "" && (!isRequired || verb.isList)) {
    return verb.isList ? [] : null;
  }
  return readValue(verb, text);
}

/** Of links, which may be many, only what is to change is typed. */
export function textOf(
  { name, verb, isLinks }: FormField,
  record: Readonly<Record<string, unknown>>,
): string {
  return isLinks ? "" : writeValue(verb, record[name]);
}
