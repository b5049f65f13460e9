import { Group, Radio, Stack, Text } from "@mantine/core";
import type { JSX } from "react";
import { useSyncExternalStore } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { OnConflict } from "../generated/graphql.ts";
import { Failure } from "../parts/notice.tsx";
import { TaskBar } from "../tasks/task-bar.tsx";
import { TaskLink } from "../tasks/task-link.tsx";
import { countOf } from "../tasks/task-words.ts";
import type { Conflict, Launched } from "./launch.ts";

/** What is to become of records that another task holds. */
export function ConflictChoice(props: {
  value: OnConflict;
  onChange: (value: OnConflict) => void;
}): JSX.Element {
  return (
    <Radio.Group
      size="xs"
      label="If another task holds some of them"
      value={props.value}
      onChange={props.onChange}
    >
      <Group gap="md" mt={4}>
        <Radio size="xs" value="REJECT" label="Change nothing" />
        <Radio size="xs" value="SKIP" label="Change the others now" />
        <Radio size="xs" value="WAIT" label="Wait for them" />
      </Group>
    </Radio.Group>
  );
}

/** Why nothing was launched; of records that others hold, with their holders' bars. */
export function ConflictNotice({ refusal }: { refusal: Launched }): JSX.Element | null {
  if (refusal.kind === "refused") {
    return <Failure message={refusal.message} />;
  }
  if (refusal.kind !== "conflict") {
    return null;
  }
  const holders = [...new Map(refusal.conflicts.map(({ heldBy }) => [heldBy.id, heldBy])).values()];
  return (
    <Stack gap={4} role="alert" data-conflicts={refusal.total}>
      <Text size="sm">
        {countOf(refusal.total, refusal.total === 1 ? "record is" : "records are")} held by another task.
        Nothing was changed. Choose what to do about them above.
      </Text>
      {holders.map((holder) => (
        <HolderLine key={holder.id} holder={holder} />
      ))}
    </Stack>
  );
}

function HolderLine({ holder }: { holder: Conflict["heldBy"] }): JSX.Element {
  const { feed } = useWorkspace();
  const task = useSyncExternalStore(feed.subscribe, () => feed.read(holder.id));
  return (
    <Text size="sm" component="div">
      <TaskLink task={holder} size="sm" />
      {task === undefined ? null : <TaskBar task={task} isThin />}
    </Text>
  );
}
