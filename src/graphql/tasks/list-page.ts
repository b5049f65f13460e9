import { AppError } from "../../kernel/app-error.ts";
import type { PageArgs as AnyPageArgs } from "../pagination/page-request.ts";
import { parsePageRequest } from "../pagination/page-request.ts";
import type { ListPage } from "./task-connections.ts";

/** The arguments of a list that is read forward. */
export type PageArgs = Pick<AnyPageArgs, "first" | "after">;

/** A kind of cursor: opaque text that stands for a place in one kind of list. */
export interface CursorKind {
  encode(place: string): string;
  /** @throws AppError VALIDATION_FAILED when it is not a cursor of this kind */
  decode(cursor: string): string;
}

/** @param pattern what a place looks like */
export function createCursorKind(kind: string, pattern: RegExp): CursorKind {
  return {
    encode: (place) => Buffer.from(`${kind}:${place}`).toString("base64url"),
    decode(cursor) {
      const [found, ...place] = Buffer.from(cursor, "base64url").toString().split(":");
      if (found !== kind || !pattern.test(place.join(":"))) {
        throw new AppError(
          "VALIDATION_FAILED",
          '"after" is not a cursor of this list. Pass the endCursor of an earlier page, unchanged, or leave it out.',
          { details: { field: "after" } },
        );
      }
      return place.join(":");
    },
  };
}

/**
 * Reads a page, and one item more to know whether there are more.
 * @throws AppError VALIDATION_FAILED when `first` is out of range
 */
export async function readPage<T>(
  args: PageArgs,
  list: {
    readonly read: (limit: number) => Promise<readonly T[]>;
    readonly cursorOf: (node: T) => string;
    readonly count: () => Promise<number>;
  },
): Promise<ListPage<T>> {
  const { size, after } = parsePageRequest({ first: args.first, after: args.after });
  const found = await list.read(size + 1);
  return {
    nodes: found.slice(0, size),
    hasNextPage: found.length > size,
    hasPreviousPage: after !== undefined,
    cursorOf: list.cursorOf,
    count: list.count,
  };
}
