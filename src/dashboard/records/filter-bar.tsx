import { Button, Group, Pill, UnstyledButton } from "@mantine/core";
import type { JSX } from "react";
import { useRef, useState } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { Condition } from "../models/condition.ts";
import { conditionInWords, PICK_WORDS, pickedValue } from "../models/condition.ts";
import { inWords, keyOf } from "../models/model.ts";
import type { Reference, Shape } from "../models/shape.ts";
import { Toggles } from "../parts/toggles.tsx";
import { FilterForm } from "./filter-form.tsx";
import { useRecordNames } from "./record-names.ts";
import { NAMING } from "./value-input.tsx";

/** The conditions of a list, and whether one of them is enough. */
export interface Conditions {
  readonly filter: readonly Condition[];
  readonly isAny: boolean;
}

/** The conditions as chips; a form adds one, or changes one whose chip is pressed. */
export function FilterBar(props: {
  shape: Shape;
  conditions: Conditions;
  onChange: (conditions: Conditions) => void;
}): JSX.Element | null {
  const { shape, conditions, onChange } = props;
  const { filter, isAny } = conditions;
  /** The place of the condition that the form changes; at the end for a new one. */
  const [open, setOpen] = useState<number>();
  const words = useChipWords(shape, filter);
  const adder = useRef<HTMLButtonElement>(null);
  if (shape.filters.length === 0) {
    return null;
  }
  const close = (): void => {
    setOpen(undefined);
    adder.current?.focus();
  };
  const put = (next: readonly Condition[]): void => {
    close();
    onChange({ filter: next, isAny });
  };
  return (
    <>
      <Group gap={6}>
        {filter.length < 2 ? null : (
          <Toggles
            label="How many of the filters must hold"
            data={[
              { value: "all", label: "All hold" },
              { value: "any", label: "One holds" },
            ]}
            value={isAny ? "any" : "all"}
            onChange={(value) => onChange({ filter, isAny: value === "any" })}
          />
        )}
        {filter.map((condition, at) => (
          <Pill
            key={JSON.stringify(condition)}
            size="md"
            maw="100%"
            withRemoveButton
            removeButtonProps={{
              "aria-label": `Remove the filter: ${words[at]}`,
              "aria-hidden": false,
              tabIndex: 0,
            }}
            onRemove={() => put(filter.filter((_, place) => place !== at))}
          >
            <UnstyledButton fz="inherit" onClick={() => setOpen(at)}>
              {words[at]}
            </UnstyledButton>
          </Pill>
        ))}
        <Button
          ref={adder}
          size="compact-xs"
          variant="default"
          aria-expanded={open === filter.length}
          data-add-filter
          onClick={() => setOpen(open === filter.length ? undefined : filter.length)}
        >
          Add filter
        </Button>
      </Group>
      {open === undefined ? null : (
        <FilterForm
          key={open}
          shape={shape}
          condition={filter[open]}
          onCancel={close}
          onDone={(condition) => put(filter.toSpliced(open, 1, condition))}
        />
      )}
    </>
  );
}

/** The conditions in words, with what records are called in the place of what names them: "Country is Germany (DE)". */
function useChipWords(shape: Shape, filter: readonly Condition[]): readonly string[] {
  const { models } = useWorkspace();
  const named = filter.map((condition): { reference: Reference; values: readonly string[] } | undefined => {
    const field = shape.filters.find(({ name }) => name === condition.field);
    const key = keyOf(models, field?.model);
    if (field?.model !== undefined && key !== undefined) {
      const picked = pickedValue(condition, key);
      return picked === undefined
        ? undefined
        : { reference: { model: field.model, field: key }, values: [String(picked)] };
    }
    const reference = NAMING.has(condition.verb)
      ? field?.verbs.find(({ name }) => name === condition.verb)?.refersTo
      : undefined;
    const { value } = condition;
    const values = (Array.isArray(value) ? value : [value]).filter(
      (one) => typeof one === "string" || typeof one === "number",
    );
    return reference === undefined || values.length === 0
      ? undefined
      : { reference, values: values.map(String) };
  });
  const nameOf = useRecordNames(named.filter((one) => one !== undefined));
  return filter.map((condition, at) => {
    const one = named[at];
    if (one === undefined) {
      return conditionInWords(condition);
    }
    const names = one.values.map((value) => nameOf(one.reference, value));
    return condition.nested === undefined
      ? conditionInWords({ ...condition, value: names })
      : `${inWords(condition.field)} ${PICK_WORDS[condition.verb] ?? ""} ${names.join()}`;
  });
}
