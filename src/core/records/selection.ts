import type { JsonObject } from "../../kernel/json.ts";

/**
 * A filter in the shape of the model's `where` input, which is Prisma's: operators per field, `AND`, `OR`,
 * `NOT`, and `some`, `every`, `none`, `is`, `isNot` on relations. Plain JSON, so that a task can store it.
 */
export type WhereFilter = JsonObject;

/** What a bulk operation is aimed at: ids or a filter. Always narrowed to the viewer's scope. */
export type Selection = { readonly ids: readonly string[] } | { readonly where: WhereFilter };
