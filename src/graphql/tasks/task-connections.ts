import type { PageInfo, PowerCrudBuilder, SchemaContext } from "../builder.ts";

/** A page of things that are listed with cursors, and what a connection tells about it. */
export interface ListPage<T> {
  readonly nodes: readonly T[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  cursorOf(node: T): string;
  /** How many there are on all pages; asked only when the client does. */
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
