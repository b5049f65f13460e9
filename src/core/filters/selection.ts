import type { WhereFilter } from "../access/access.ts";

/** The records that a bulk operation is aimed at: by id or by filter. Always narrowed to the viewer's scope. */
export type Selection = { readonly ids: readonly string[] } | { readonly where: WhereFilter };
