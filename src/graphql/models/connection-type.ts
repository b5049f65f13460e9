import type { Model } from "../../core/records/model.ts";
import type { LoadedList } from "../../core/records/record-lists.ts";
import type { BuilderTypes, SchemaContext } from "../builder.ts";
import type { Page } from "../pagination/page.ts";
import { toPage } from "../pagination/page.ts";
import type { RecordObjectRef } from "./pothos-dynamic.ts";

/** A connection, as far as the document selects it. */
export interface Connection {
  page(): Page;
  readonly totalCount: number;
}

/** The connection of a list that was read. */
export function toConnection(list: LoadedList, isTotal: boolean): Connection {
  let page: Page | undefined;
  return { page: () => (page ??= toPage(list, isTotal)), totalCount: list.total };
}

export type ConnectionRef = PothosSchemaTypes.ObjectRef<BuilderTypes, Connection>;

type Edge = ReturnType<Page["edges"]>[number];

/** The types `CityConnection` and `CityEdge`. */
export function addConnectionType(
  { builder, refs, names }: SchemaContext,
  model: Model,
  object: RecordObjectRef,
): ConnectionRef {
  const edge = builder.objectRef<Edge>(names.of(model).edge).implement({
    description: `A record of ${model.apiName} and its place in the list.`,
    fields: (t) => ({
      node: t.field({ type: object, resolve: ({ node }) => node as never }),
      cursor: t.string({
        description:
          "For `after` and `before`, with the same `orderBy`, or the same `search` in its order. Stays good when the record is gone.",
        resolve: ({ cursor }) => cursor(),
      }),
    }),
  });
  return builder.objectRef<Connection>(names.of(model).connection).implement({
    description: `A page of records of ${model.apiName}.`,
    fields: (t) => ({
      nodes: t.field({
        type: [object],
        description: "The records, without their cursors.",
        resolve: (connection) => connection.page().records as never,
      }),
      edges: t.field({
        type: [edge],
        resolve: (connection) => connection.page().edges() as Edge[],
      }),
      pageInfo: t.field({
        type: refs.pageInfo,
        resolve: (connection) => connection.page().info(),
      }),
      totalCount: t.exposeInt("totalCount", {
        description: "How many records there are on all pages. Counted only when asked for.",
      }),
    }),
  });
}
