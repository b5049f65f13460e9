import { Button, Group, Text } from "@mantine/core";
import type { JSX } from "react";
import type { Shape } from "../models/shape.ts";
import { ActionButton } from "../parts/action-button.tsx";
import { NOTHING_MATCHES } from "../parts/notice.tsx";
import { count, recordsOf } from "../tasks/task-words.ts";
import type { BulkVerb, Target } from "./launch.ts";

/** What can be done with many records: with those that are chosen, and with all that match. */
export function SelectionBar(props: {
  shape: Shape;
  chosen: Target;
  matching: Target;
  onClear: () => void;
  onBulk: (verb: BulkVerb, target: Target) => void;
}): JSX.Element | null {
  const { shape, chosen, matching, onClear, onBulk } = props;
  const { bulkUpdate, bulkDelete } = shape.model;
  const reason = matching.count === 0 ? NOTHING_MATCHES : undefined;
  if (bulkUpdate === undefined && bulkDelete === undefined) {
    return null;
  }
  return (
    <Group gap="xs" mih={30}>
      {chosen.count > 0 ? (
        <>
          <Text size="sm">{count(chosen.count)} chosen</Text>
          {bulkUpdate === undefined ? null : (
            <Button size="xs" onClick={() => onBulk("update", chosen)}>
              Edit {recordsOf(shape.model, chosen.count)}
            </Button>
          )}
          {bulkDelete === undefined ? null : (
            <Button size="xs" color="red" variant="light" onClick={() => onBulk("delete", chosen)}>
              Delete {recordsOf(shape.model, chosen.count)}
            </Button>
          )}
          <Button size="xs" variant="subtle" onClick={onClear}>
            Clear
          </Button>
        </>
      ) : null}
      {bulkUpdate === undefined ? null : (
        <ActionButton
          name={`Edit all ${recordsOf(shape.model, matching.count)} that match`}
          reason={reason}
          onClick={() => onBulk("update", matching)}
        />
      )}
      {bulkDelete === undefined ? null : (
        <ActionButton
          name="Delete all that match"
          variant="subtle"
          color="red"
          reason={reason}
          onClick={() => onBulk("delete", matching)}
        />
      )}
    </Group>
  );
}
