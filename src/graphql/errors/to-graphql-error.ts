import { GraphQLError } from "graphql";
import { isAppError } from "../../kernel/app-error.ts";

/**
 * An {@link AppError} as GraphQL reports it: its message, its code and details under `extensions`. Errors that are
 * not ours pass through, to be masked and logged at the edge.
 */
export function toGraphQLError(error: unknown): unknown {
  if (!isAppError(error) || error.code === "INTERNAL") {
    return error;
  }
  return new GraphQLError(error.message, { extensions: { ...error.details, code: error.code } });
}
