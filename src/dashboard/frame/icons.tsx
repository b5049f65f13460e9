import type { JSX } from "react";

/** Outlines of 16 by 16, one path each. */
const PATHS = {
  tasks: "M2.5 4h7M2.5 8h11M2.5 12h5M12 2.5v3M10.5 4h3",
  schedules: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 5v3l2 2",
  notifications: "M4 11V7a4 4 0 0 1 8 0v4l1 1.5H3zM6.5 14h3",
  health: "M1.5 8h3l2-4.5 3 9 2-4.5h3",
  records: "M2.5 3.5h11v9h-11zM2.5 6.5h11M6.5 6.5v6",
  imports: "M8 2.5v7M5 7l3 3 3-3M2.5 11v2.5h11V11",
  narrow: "M10 3.5 5.5 8l4.5 4.5",
  wide: "M6 3.5 10.5 8 6 12.5",
} as const;

export type IconName = keyof typeof PATHS;

/** A picture beside a word, which says the same. */
export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
      <path
        d={PATHS[name]}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.4"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
