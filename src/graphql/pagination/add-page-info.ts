import type { SchemaContext } from "../builder.ts";

/** The type `PageInfo`. */
export function addPageInfo({ refs }: SchemaContext): void {
  refs.pageInfo.implement({
    description: "Where a page stands in its list.",
    fields: (t) => ({
      hasNextPage: t.exposeBoolean("hasNextPage", {
        description: "Reading backward: whether a `before` cursor was given.",
      }),
      hasPreviousPage: t.exposeBoolean("hasPreviousPage", {
        description: "Reading forward: whether an `after` cursor was given.",
      }),
      startCursor: t.exposeString("startCursor", { nullable: true, description: "Null on an empty page." }),
      endCursor: t.exposeString("endCursor", { nullable: true, description: "Null on an empty page." }),
    }),
  });
}
