import type { ExecutionArgs, ExecutionResult } from "graphql";
import { getOperationAST, OperationTypeNode } from "graphql";
import type { Plugin } from "graphql-yoga";
import type { GraphQLContext } from "../../graphql/builder.ts";
import type { MaskError } from "../mask-error.ts";
import type { Asker } from "../mask-error.ts";
import type { Caller } from "./caller.ts";
import type { CallerGuard } from "./caller-guard.ts";
import { requestOf } from "./caller-guard.ts";

/** What resolvers have, and who asks. */
export interface ServedContext extends GraphQLContext {
  readonly caller: Caller;
}

/** Refuses operations that the caller's API key is not good for, on every transport. */
export function limitScopes(maskError: MaskError, guard: CallerGuard): Plugin {
  const check = (args: ExecutionArgs, refuse: (result: ExecutionResult) => void): void => {
    const asker = args.contextValue as ServedContext & Asker;
    const { caller } = asker;
    if (caller.scopes === undefined) {
      return;
    }
    const operation = getOperationAST(args.document, args.operationName)?.operation;
    try {
      const scope = operation === OperationTypeNode.MUTATION ? "write" : "read";
      guard.requireScope(caller, scope, requestOf(asker));
    } catch (error) {
      refuse({ errors: [maskError(error)] });
    }
  };
  return {
    onExecute: ({ args, setResultAndStopExecution }) => check(args, setResultAndStopExecution),
    onSubscribe: ({ args, setResultAndStopExecution }) => check(args, setResultAndStopExecution),
  };
}
