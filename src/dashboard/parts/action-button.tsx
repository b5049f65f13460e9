import type { ButtonVariant, MantineColor, MantineSize } from "@mantine/core";
import { Button, Tooltip } from "@mantine/core";
import type { JSX } from "react";

/** The colour of the most important button of a page. */
export const PRIMARY: MantineColor = "blue";

/** A button that can be reached, and says why, while it does nothing. */
export function ActionButton(props: {
  name: string;
  /** Why it does nothing now; undefined where it works. */
  reason: string | undefined;
  isBusy?: boolean;
  /** Default: xs. */
  size?: MantineSize;
  /** Of a button that stands out. Default: it does not. */
  color?: MantineColor;
  /** Default: filled with its colour, or none. */
  variant?: ButtonVariant;
  /** Left out: it sends the form that it stands in, which must look at the reason, too: Enter sends it as well. */
  onClick?: () => void;
}): JSX.Element {
  const { name, reason, isBusy = false, size = "xs", color, onClick } = props;
  const { variant = color === undefined ? "default" : "filled" } = props;
  const isPossible = reason === undefined;
  return (
    <Tooltip label={reason} disabled={isPossible} events={{ hover: true, focus: true, touch: true }}>
      <Button
        size={size}
        type={onClick === undefined ? "submit" : "button"}
        variant={variant}
        color={color}
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
