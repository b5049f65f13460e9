import { Button, Group, Pill, SegmentedControl, UnstyledButton } from "@mantine/core";
import type { JSX } from "react";
import { useState } from "react";
import type { Condition } from "../models/condition.ts";
import { conditionInWords } from "../models/condition.ts";
import type { Shape } from "../models/shape.ts";
import { FilterForm } from "./filter-form.tsx";

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
  if (shape.filters.length === 0) {
    return null;
  }
  const put = (next: readonly Condition[]): void => {
    setOpen(undefined);
    onChange({ filter: next, isAny });
  };
  return (
    <>
      <Group gap={6}>
        {filter.length < 2 ? null : (
          <SegmentedControl
            size="xs"
            aria-label="How many of the filters must hold"
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
              "aria-label": `Remove the filter: ${conditionInWords(condition)}`,
              "aria-hidden": false,
              tabIndex: 0,
            }}
            onRemove={() => put(filter.filter((_, place) => place !== at))}
          >
            <UnstyledButton fz="inherit" onClick={() => setOpen(at)}>
              {conditionInWords(condition)}
            </UnstyledButton>
          </Pill>
        ))}
        <Button
          size="compact-xs"
          variant="default"
          aria-expanded={open === filter.length}
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
          onCancel={() => setOpen(undefined)}
          onDone={(condition) => put(filter.toSpliced(open, 1, condition))}
        />
      )}
    </>
  );
}
