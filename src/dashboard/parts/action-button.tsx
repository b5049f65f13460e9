import { Button, Tooltip } from "@mantine/core";
import type { JSX } from "react";

/** A button that can be reached, and says why, while it does nothing. */
export function ActionButton(props: {
  name: string;
  /** Why it does nothing now; undefined where it works. */
  reason: string | undefined;
  isBusy?: boolean;
  onClick: () => void;
}): JSX.Element {
  const { name, reason, isBusy = false, onClick } = props;
  const isPossible = reason === undefined;
  return (
    <Tooltip label={reason} disabled={isPossible} events={{ hover: true, focus: true, touch: true }}>
      <Button
        size="xs"
        variant="default"
        loading={isBusy}
        data-disabled={isPossible ? undefined : true}
        aria-disabled={!isPossible}
        aria-description={reason}
        onClick={isPossible ? onClick : undefined}
      >
        {name}
      </Button>
    </Tooltip>
  );
}
