import { Select } from "@mantine/core";
import type { JSX } from "react";
import type { FieldVerbs } from "../models/shape.ts";

/** Chooses a field, and what is done with it. */
export function ChooseVerb(props: {
  fields: readonly FieldVerbs[];
  field: string | undefined;
  /** What can be done with a field, in words. */
  choices: (field: FieldVerbs) => readonly { readonly value: string; readonly label: string }[];
  choice: string | undefined;
  onField: (field: string) => void;
  onChoice: (choice: string) => void;
}): JSX.Element {
  const { fields, field, choices, choice, onField, onChoice } = props;
  const chosen = fields.find(({ name }) => name === field);
  return (
    <>
      <Select
        size="xs"
        aria-label="Field"
        placeholder="Field"
        searchable
        // Nothing else can be done first.
        autoFocus={field === undefined}
        defaultDropdownOpened={field === undefined}
        data={fields.map(({ name, title }) => ({ value: name, label: title }))}
        value={field ?? null}
        onChange={(next) => (next === null ? undefined : onField(next))}
      />
      {chosen === undefined ? null : (
        <Select
          size="xs"
          aria-label="What"
          allowDeselect={false}
          data={[...choices(chosen)]}
          value={choice ?? null}
          onChange={(next) => (next === null ? undefined : onChoice(next))}
        />
      )}
    </>
  );
}
