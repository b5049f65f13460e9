import type { GraphQLSchema } from "graphql";
import { coerceInputValue } from "graphql";
import { filterSizeProblem } from "../../core/filters/filter-size.ts";
import type { OrderInput } from "../../core/filters/order-terms.ts";
import { AppError } from "../../kernel/app-error.ts";

/** The arguments of a list as JSON. */
export interface ListJson {
  readonly where?: unknown;
  readonly orderBy?: unknown;
}

/**
 * Takes arguments of a list from plain JSON as GraphQL takes them from variables, with the same types and messages.
 * @param many the name of the list's query: `cities`
 * @throws AppError VALIDATION_FAILED
 */
export function coerceListJson(
  schema: GraphQLSchema,
  many: string,
  { where, orderBy }: ListJson,
): { readonly where: unknown; readonly orderBy: readonly OrderInput[] | undefined } {
  const excess = typeof where === "object" && where !== null ? filterSizeProblem(where, "where") : undefined;
  if (excess !== undefined) {
    throw new AppError(excess.code, excess.message, { details: { field: "where" } });
  }
  const queries = schema.getQueryType()?.getFields() ?? {};
  const coerced = (name: string, value: unknown): unknown => {
    const argument = queries[many]?.args.find((each) => each.name === name);
    if (value === undefined || value === null) {
      return undefined;
    }
    if (argument === undefined) {
      throw new AppError("VALIDATION_FAILED", `${name} cannot be used for ${many}.`, {
        details: { field: name },
      });
    }
    return coerceInputValue(value, argument.type, (path, _invalid, { message }) => {
      const at = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
      throw new AppError("VALIDATION_FAILED", `${name}${at}: ${message}`, {
        details: { field: `${name}${at}` },
      });
    });
  };
  return {
    where: coerced("where", where),
    orderBy: coerced("orderBy", orderBy) as readonly OrderInput[] | undefined,
  };
}
