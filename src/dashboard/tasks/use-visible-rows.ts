import type { RefObject } from "react";
import { useEffect, useState } from "react";

/** Rows that are drawn before and behind those in sight. */
const SPARE_ROWS = 6;

/** The part of a long list that is in sight. */
export interface VisibleRows {
  /** The first and last row to draw; the last is below the first where there are none. */
  readonly first: number;
  readonly last: number;
  /** The first row in sight. */
  readonly top: number;
}

/** Which rows of the same height are in sight of a box that scrolls; it is drawn anew only when these change. */
export function useVisibleRows(
  box: RefObject<HTMLElement | null>,
  { count, height }: { readonly count: number; readonly height: number },
): VisibleRows {
  const [sight, setSight] = useState({ top: 0, rows: 0 });
  useEffect(() => {
    const element = box.current;
    if (element === null) {
      return undefined;
    }
    const look = (): void => {
      const top = Math.floor(element.scrollTop / height);
      const rows = Math.ceil(element.clientHeight / height) + 1;
      setSight((before) => (before.top === top && before.rows === rows ? before : { top, rows }));
    };
    look();
    element.addEventListener("scroll", look, { passive: true });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => {
      element.removeEventListener("scroll", look);
      observer.disconnect();
    };
  }, [box, height]);
  const top = Math.min(sight.top, Math.max(0, count - 1));
  return {
    top,
    first: Math.max(0, top - SPARE_ROWS),
    last: Math.min(count - 1, top + sight.rows + SPARE_ROWS),
  };
}
