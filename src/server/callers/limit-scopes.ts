import type { ExecutionArgs, ExecutionResult } from "graphql";
import { getOperationAST, OperationTypeNode } from "graphql";
import type { Plugin } from "graphql-yoga";
import type { GraphQLContext } from "../../graphql/builder.ts";
import type { MaskError } from "../mask-error.ts";
import type { Caller } from "./caller.ts";
import { requireScope } from "./caller.ts";

/** What resolvers have, and who asks. */
export interface ServedContext extends GraphQLContext {
  readonly caller: Caller;
}

/** Refuses operations that the caller's API key is not good for, on every transport. */
export function limitScopes(maskError: MaskError): Plugin {
  const check = (args: ExecutionArgs, refuse: (result: ExecutionResult) => void): void => {
    const { caller } = args.contextValue as ServedContext;
    if (caller.scopes === undefined) {
      return;
    }
    const operation = getOperationAST(args.document, args.operationName)?.operation;
    try {
      requireScope(caller, operation === OperationTypeNode.MUTATION ? "write" : "read");
    } catch (error) {
      refuse({ errors: [maskError(error)] });
    }
  };
  return {
    onExecute: ({ args, setResultAndStopExecution }) => check(args, setResultAndStopExecution),
    onSubscribe: ({ args, setResultAndStopExecution }) => check(args, setResultAndStopExecution),
  };
}
