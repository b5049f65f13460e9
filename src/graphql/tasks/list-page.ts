import { AppError } from "../../kernel/app-error.ts";
import type { ListWindow } from "../../kernel/list-window.ts";
import type { PageInfo, PowerCrudBuilder, SchemaContext } from "../builder.ts";
import type { PageArgs } from "../pagination/page.ts";
import { itemsToRead, pageInfo, parsePageRequest } from "../pagination/page.ts";

/** The cursors of one kind of list: opaque texts for a place in it. */
export interface CursorKind {
  encode(place: string): string;
  /** @throws AppError VALIDATION_FAILED, naming the argument, when it is not a cursor of this kind */
  decode(cursor: string, argument: "after" | "before"): string;
}

/** @param pattern matches every valid place */
export function createCursorKind(kind: string, pattern: RegExp): CursorKind {
  return {
    encode: (place) => Buffer.from(`${kind}:${place}`).toString("base64url"),
    decode(cursor, argument) {
      const [found, ...place] = Buffer.from(cursor, "base64url").toString().split(":");
      if (found !== kind || !pattern.test(place.join(":"))) {
        throw new AppError(
          "VALIDATION_FAILED",
          `"${argument}" is not a cursor of this list. Pass the ${argument === "after" ? "endCursor" : "startCursor"} of another page, unchanged, or leave it out.`,
          { details: { field: argument } },
        );
      }
      return place.join(":");
    },
  };
}

/** A list that pages are read from, forward and backward. */
export interface PagedList<T> {
  readonly cursors: CursorKind;
  readonly placeOf: (node: T) => string;
  /** The items of the window, in the list's order. */
  readonly read: (window: ListWindow<string>) => Promise<readonly T[]>;
  readonly count: () => Promise<number>;
}

/**
 * Reads a page, and one item more to see whether there is another page behind it.
 * @throws AppError VALIDATION_FAILED when the arguments are out of range
 */
export async function readPage<T>(
  args: PageArgs,
  { cursors, placeOf, read, count }: PagedList<T>,
): Promise<ListPage<T>> {
  const request = parsePageRequest(args);
  const { size, after, before, isBackward } = request;
  const found = await read({
    ...(after === undefined ? {} : { after: cursors.decode(after, "after") }),
    ...(before === undefined ? {} : { before: cursors.decode(before, "before") }),
    limit: itemsToRead(size),
    isBackward,
  });
  const hasMore = found.length > size;
  const nodes = isBackward ? found.slice(hasMore ? 1 : 0) : found.slice(0, size);
  const cursorOf = (node: T): string => cursors.encode(placeOf(node));
  return {
    nodes,
    info: () => pageInfo(request, hasMore, nodes.length, (at) => cursorOf(nodes[at] as T)),
    cursorOf,
    count,
  };
}

/** A page of a list with cursors, as a connection shows it. */
export interface ListPage<T> {
  readonly nodes: readonly T[];
  info(): PageInfo;
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
    description: `One of a list of type ${name}, and its place in the list.`,
    fields: (t) => ({
      node: t.field({ type: node, resolve: (parent) => parent.node as never }),
      cursor: t.exposeString("cursor", { description: "For `after` and `before`." }),
    }),
  });
  const connection = objectRef<ListPage<T>>(builder, `${name}Connection`);
  connection.implement({
    description: `A page of a list of type ${name}.`,
    fields: (t) => ({
      nodes: t.field({ type: [node], resolve: (page) => page.nodes as never }),
      edges: t.field({
        type: [edge],
        resolve: (page) => page.nodes.map((one) => ({ node: one, cursor: page.cursorOf(one) })),
      }),
      pageInfo: t.field({ type: refs.pageInfo, resolve: (page) => page.info() }),
      totalCount: t.int({ description: "How many there are on all pages.", resolve: (page) => page.count() }),
    }),
  });
  return connection;
}
