import type { Json } from "../../kernel/json.ts";

/** What happens to one column: a value set, or arithmetic on the value that is there. Exactly one member. */
export type FieldChange =
  | { readonly set: Json }
  | { readonly increment: number | string }
  | { readonly decrement: number | string }
  | { readonly multiply: number | string };

/** What happens to the links of a many-to-many relation, by id. `set` replaces them all; it goes with no other. */
export interface LinkChange {
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
  readonly set?: readonly string[];
}

/**
 * A bulk change by field name. Plain JSON: BigInt and Decimal as text, DateTime in ISO 8601, Bytes in base64.
 * Only the columns and links that it names are written (and the `@updatedAt` column).
 */
export type RecordChange = Readonly<Record<string, FieldChange | LinkChange>>;
