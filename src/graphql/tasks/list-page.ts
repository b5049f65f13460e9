import type { PageInfo, PowerCrudBuilder, SchemaContext } from "../builder.ts";
import type { PageArgs as AnyPageArgs } from "../pagination/page.ts";
import { parsePageRequest } from "../pagination/page.ts";
import { AppError } from "../../kernel/app-error.ts";

/** The arguments of a list that is read forward only. */
export type PageArgs = Pick<AnyPageArgs, "first" | "after">;

/** The cursors of one kind of list: opaque texts for a place in it. */
export interface CursorKind {
  encode(place: string): string;
  /** @throws AppError VALIDATION_FAILED when it is not a cursor of this kind */
  decode(cursor: string): string;
}

/** @param pattern matches every valid place */
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
 * Reads a page, and one item more to see whether there is a next page.
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

/** A page of a list with cursors, as a connection shows it. */
export interface ListPage<T> {
  readonly nodes: readonly T[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  cursorOf(node: T): string;
  /** The number of items on all pages; called only if the client selects it. */
  count(): Promise<number>;
}

interface Edge<T> {
  readonly node: T;
  readonly cursor: string;
}

type ObjectRef<T> = ReturnType<typeof objectRef<T>>;

function objectRef<T>(builder: PowerCrudBuilder, name: string) {
  return builder.objectRef<T>(name);
}

/** Defines `XConnection` and `XEdge` around the node type X. */
export function defineConnection<T>(
  { builder, refs }: SchemaContext,
  name: string,
  node: ObjectRef<T>,
): ObjectRef<ListPage<T>> {
  const edge = objectRef<Edge<T>>(builder, `${name}Edge`);
  edge.implement({
    fields: (t) => ({
      node: t.field({ type: node, resolve: (parent) => parent.node as never }),
      cursor: t.exposeString("cursor"),
    }),
  });
  const connection = objectRef<ListPage<T>>(builder, `${name}Connection`);
  connection.implement({
    fields: (t) => ({
      nodes: t.field({ type: [node], resolve: (page) => page.nodes as never }),
      edges: t.field({
        type: [edge],
        resolve: (page) => page.nodes.map((one) => ({ node: one, cursor: page.cursorOf(one) })),
      }),
      pageInfo: t.field({ type: refs.pageInfo, resolve: pageInfoOf }),
      totalCount: t.int({ description: "How many there are on all pages.", resolve: (page) => page.count() }),
    }),
  });
  return connection;
}

function pageInfoOf<T>(page: ListPage<T>): PageInfo {
  const first = page.nodes[0];
  const last = page.nodes.at(-1);
  return {
    hasNextPage: page.hasNextPage,
    hasPreviousPage: page.hasPreviousPage,
    startCursor: first === undefined ? null : page.cursorOf(first),
    endCursor: last === undefined ? null : page.cursorOf(last),
  };
}
