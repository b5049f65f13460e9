import { AppError } from "../../kernel/app-error.ts";

/** The cursor of a position in the event log: opaque to clients, good for `after`. */
export function encodeCursor(position: number): string {
  return Buffer.from(`event:${position}`).toString("base64url");
}

/**
 * The position in a cursor.
 * @throws AppError VALIDATION_FAILED if {@link encodeCursor} did not make the cursor
 */
export function decodeCursor(cursor: string): number {
  const position = /^event:(\d{1,15})$/.exec(Buffer.from(cursor, "base64url").toString())?.[1];
  if (position === undefined) {
    throw new AppError(
      "VALIDATION_FAILED",
      '"after" is not the cursor of an event. Pass a cursor that an earlier event carried, unchanged, or leave it out.',
      { details: { field: "after" } },
    );
  }
  return Number(position);
}
