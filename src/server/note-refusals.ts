import type { ExecutionArgs, ExecutionResult, GraphQLError, OperationDefinitionNode } from "graphql";
import { getOperationAST, Kind, OperationTypeNode } from "graphql";
import type { Plugin } from "graphql-yoga";
import { isAppError } from "../kernel/app-error.ts";
import type { ErrorCode } from "../kernel/error-codes.ts";
import type { CallerGuard, RefusedField } from "./callers/caller-guard.ts";
import { requestOf } from "./callers/caller-guard.ts";
import type { ServedContext } from "./callers/limit-scopes.ts";
import type { Asker } from "./mask-error.ts";
import type { RequestCode } from "./request-codes.ts";

/** The codes of refusals. Others tell of mistakes and faults. */
const REFUSALS: ReadonlySet<string> = new Set<ErrorCode | RequestCode>([
  "FORBIDDEN",
  "LIMIT_EXCEEDED",
  "UNAUTHENTICATED",
  "PERSISTED_QUERY_ONLY",
]);

/**
 * Notes on every transport which documents and operations are refused, as a whole or in part. Mutations are noted for any error
 * in the place of an answer; what the engine refuses as data is noted by itself.
 */
export function noteRefusals(guard: CallerGuard): Plugin {
  return {
    onParse:
      () =>
      ({ result, context }) => {
        if (result instanceof Error) {
          noteDocument(guard, context, result);
        }
      },
    onValidate:
      () =>
      ({ result, context }) =>
        result.forEach((error) => noteDocument(guard, context, error)),
    onExecute: () => ({ onExecuteDone: ({ args, result }) => noteOperation(guard, args, result) }),
    onSubscribe: () => ({ onSubscribeResult: ({ args, result }) => noteOperation(guard, args, result) }),
  };
}

/** Notes a document that is not executed, if it was refused. Who sent it is known over WebSocket only. */
export function noteDocument(
  guard: CallerGuard,
  asker: Asker & Partial<Pick<ServedContext, "caller">>,
  error: unknown,
): void {
  const { extensions } = error as Partial<GraphQLError>;
  const code = codeOf(error as GraphQLError);
  if (REFUSALS.has(code)) {
    const limit: unknown = extensions?.["limit"];
    const name = typeof limit === "string" ? limit : undefined;
    guard.noteRefused("document", asker.caller?.viewer.id ?? null, requestOf(asker), [{ name, code }]);
  }
}

function noteOperation(guard: CallerGuard, args: ExecutionArgs, result: object): void {
  const { errors } = result as ExecutionResult;
  const operation = errors === undefined ? undefined : getOperationAST(args.document, args.operationName);
  if (errors === undefined || operation == null) {
    return;
  }
  const isMutation = operation.operation === OperationTypeNode.MUTATION;
  const refused = errors.filter(
    (error) => REFUSALS.has(codeOf(error)) || (isMutation && error.path?.length === 1),
  );
  if (refused.length > 0) {
    const asker = args.contextValue as Asker & ServedContext;
    // A list may have the same error for each of its records. Each field of a mutation does something of its own.
    const fields = new Map<string, RefusedField>();
    for (const error of refused) {
      const field = { name: rootFieldOf(operation, error), code: codeOf(error) };
      fields.set(`${isMutation ? error.path?.[0] : field.name} ${field.code}`, field);
    }
    guard.noteRefused(operation.operation, asker.caller.viewer.id, requestOf(asker), [...fields.values()]);
  }
}

/** @returns undefined where the whole operation is meant, and where a fragment has the field */
function rootFieldOf({ selectionSet }: OperationDefinitionNode, { path }: GraphQLError): string | undefined {
  return selectionSet.selections
    .filter((selection) => selection.kind === Kind.FIELD)
    .find(({ name, alias }) => (alias ?? name).value === path?.[0])?.name.value;
}

function codeOf({ originalError, extensions }: Partial<GraphQLError>): string {
  const code = isAppError(originalError) ? originalError.code : extensions?.["code"];
  return typeof code === "string" ? code : "INTERNAL";
}
