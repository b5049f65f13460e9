import type { ExecutionArgs, ExecutionResult } from "graphql";
import { getOperationAST, OperationTypeNode } from "graphql";
import type { Plugin } from "graphql-yoga";
import type { RequestScope } from "../kernel/request-scope.ts";
import { inRequest } from "../kernel/request-scope.ts";
import type { SpanOptions, Tracing } from "../kernel/tracing.ts";
import type { IdentifiedRequest } from "./request-id.ts";
import type { CallerGuard } from "./callers/caller-guard.ts";
import { requestOf } from "./callers/caller-guard.ts";
import type { ServedContext } from "./callers/limit-scopes.ts";
import type { Asker } from "./mask-error.ts";
import { requestIdOf } from "./request-id.ts";

/** What is told of the requests: see the metrics. */
export interface RequestWatch {
  /**
   * @param operation `query`, `mutation`, `subscription`; `none` for what is no operation
   * @param seconds of a subscription, until it had begun
   */
  request(operation: string, outcome: "ok" | "error" | "failed" | "refused", seconds: number): void;
  webSockets(count: number): void;
}

/** Tells of each GraphQL operation, on every transport. What is refused before it is executed counts, too. */
export function watchRequests(watch: Pick<RequestWatch, "request">): Plugin {
  const begin = (args: ExecutionArgs): ((result: object) => void) => {
    const begun = performance.now();
    return (result) => {
      const operation = getOperationAST(args.document, args.operationName)?.operation ?? "none";
      watch.request(operation, outcomeOf(result), (performance.now() - begun) / 1000);
    };
  };
  return {
    onParse:
      () =>
      ({ result }) => {
        if (result instanceof Error) {
          watch.request("none", "refused", 0);
        }
      },
    onValidate:
      () =>
      ({ valid }) => {
        if (!valid) {
          watch.request("none", "refused", 0);
        }
      },
    onExecute({ args }) {
      const end = begin(args);
      return { onExecuteDone: ({ result }) => end(result) };
    },
    onSubscribe({ args }) {
      const end = begin(args);
      return { onSubscribeResult: ({ result }) => end(result) };
    },
  };
}

function outcomeOf(result: ExecutionResult | object): "ok" | "error" | "failed" {
  const { errors } = result as ExecutionResult;
  if (errors === undefined) {
    return "ok";
  }
  return errors.some(({ extensions }) => extensions["code"] === "INTERNAL") ? "failed" : "error";
}

/** In the trace that the app's own instruments are in, or else in that of the caller. */
function spanOf(tracing: Tracing, request: IdentifiedRequest | undefined): SpanOptions {
  return {
    parent: () => (tracing.current() === undefined ? request?.headers.get("traceparent") : undefined),
  };
}

/** Lets what mutations do know on whose behalf: their log lines have the id of the request, and their tasks its trace. */
export function scopeMutations(tracing: Tracing | undefined, guard: CallerGuard): Plugin {
  return {
    onExecute({ args, executeFn, setExecuteFn }) {
      const operation = getOperationAST(args.document, args.operationName);
      if (operation?.operation === OperationTypeNode.MUTATION) {
        const asker = args.contextValue as unknown as Asker & ServedContext;
        const request = requestOf(asker);
        const scope: RequestScope = {
          get requestId() {
            return requestIdOf(request);
          },
          get peer() {
            return guard.addressOf(request);
          },
          viewerId: asker.viewer.id,
        };
        const traced: typeof executeFn =
          tracing === undefined
            ? executeFn
            : (given) =>
                tracing.span(
                  "mutation",
                  spanOf(tracing, asker.request),
                  async () => executeFn(given) as unknown,
                );
        setExecuteFn(async (given) => (await inRequest(scope, () => traced(given))) as ExecutionResult);
      }
    },
  };
}
