import { AppError } from "../../kernel/app-error.ts";

/** The cursor of a position in the event log: opaque to clients, good for `after`. */
export function encodeCursor(position: number): string {
  return Buffer.from(`event:${position}`).toString("base64url");
}

/**
 * The position in a cursor.
 * @param argument the one that the caller gave it as. Default: `after`
 * @throws AppError VALIDATION_FAILED if {@link encodeCursor} did not make the cursor
 */
export function decodeCursor(cursor: string, argument: "after" | "before" = "after"): number {
  const position = /^event:(\d{1,15})$/.exec(Buffer.from(cursor, "base64url").toString())?.[1];
  if (position === undefined) {
    throw new AppError(
      "VALIDATION_FAILED",
      `"${argument}" is not the cursor of an event. Pass a cursor that an event carried, unchanged, or leave it out.`,
      { details: { field: argument } },
    );
  }
  return Number(position);
}
