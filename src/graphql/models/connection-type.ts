import type { Model } from "../../core/records/model.ts";
import type { BuilderTypes, SchemaContext } from "../builder.ts";
import type { Page } from "../pagination/page.ts";
import { cursorAt, pageInfoOf } from "../pagination/page.ts";
import type { RecordObjectRef } from "./pothos-dynamic.ts";

/** A connection; only what the document selects is read. */
export interface Connection {
  page(): Page | Promise<Page>;
  totalCount(): number | Promise<number>;
}

export type ConnectionRef = PothosSchemaTypes.ObjectRef<BuilderTypes, Connection>;

interface Edge {
  readonly page: Page;
  /** The record's place on the page. */
  readonly at: number;
}

/** The types `CityConnection` and `CityEdge`. */
export function addConnectionType(
  { builder, refs, names }: SchemaContext,
  model: Model,
  object: RecordObjectRef,
): ConnectionRef {
  const edge = builder.objectRef<Edge>(names.of(model).edge).implement({
    description: `A record of ${model.apiName} and its place in the list.`,
    fields: (t) => ({
      node: t.field({ type: object, resolve: ({ page, at }) => page.records[at] as never }),
      cursor: t.string({
        description: "For `after` and `before`, with the same `orderBy`. Stays good when the record is gone.",
        resolve: ({ page, at }) => cursorAt(page, at),
      }),
    }),
  });
  return builder.objectRef<Connection>(names.of(model).connection).implement({
    description: `A page of records of ${model.apiName}.`,
    fields: (t) => ({
      nodes: t.field({
        type: [object],
        description: "The records, without their cursors.",
        resolve: async (connection) => [...(await connection.page()).records] as never,
      }),
      edges: t.field({
        type: [edge],
        resolve: async (connection) => {
          const page = await connection.page();
          return page.records.map((_node, at) => ({ page, at }));
        },
      }),
      pageInfo: t.field({
        type: refs.pageInfo,
        resolve: async (connection) => pageInfoOf(await connection.page()),
      }),
      totalCount: t.int({
        description: "How many records there are on all pages. Counted only when asked for.",
        resolve: (connection) => connection.totalCount(),
      }),
    }),
  });
}
