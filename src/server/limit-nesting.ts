import type { DocumentNode, ExecutionArgs, GraphQLError } from "graphql";
import type { Plugin } from "graphql-yoga";
import { createGraphQLError } from "graphql-yoga";
import type { ErrorCode } from "../kernel/error-codes.ts";

/** Lists and objects within each other; values of that depth are far from the end of the stack. */
const MAX_NESTING = 1_000;

/**
 * Refuses variables and documents that are nested so deeply that reading them, which goes by recursion, comes to the
 * end of the stack, on every transport. What a filter may have is less, and is asked where filters are read.
 */
export function limitNesting(): Plugin {
  const refuseVariables = (
    { variableValues }: ExecutionArgs,
    refuse: (result: { errors: GraphQLError[] }) => void,
  ): void => {
    if (isNestedBeyond(variableValues, MAX_NESTING)) {
      refuse({
        errors: [
          tooDeep(
            `The variables are nested too deeply; ${MAX_NESTING} levels of lists and objects are allowed.`,
          ),
        ],
      });
    }
  };
  return {
    onParse({ parseFn, setParseFn }) {
      setParseFn((...args: Parameters<typeof parseFn>): DocumentNode => {
        try {
          return parseFn(...args) as DocumentNode;
        } catch (error) {
          // The parser's own recursion; it can be told by nothing else.
          throw error instanceof RangeError
            ? tooDeep("The document is nested too deeply. Give large values as variables.")
            : error;
        }
      });
    },
    onExecute: ({ args, setResultAndStopExecution }) => refuseVariables(args, setResultAndStopExecution),
    onSubscribe: ({ args, setResultAndStopExecution }) => refuseVariables(args, setResultAndStopExecution),
  };
}

/** Whether lists and objects stand deeper within each other than that; without recursion, and no further than needed. */
function isNestedBeyond(value: unknown, max: number): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > max) {
      return true;
    }
    level = level.filter(isNesting).flatMap((one) => Object.values(one).filter(isNesting));
  }
  return false;
}

function isNesting(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function tooDeep(message: string): GraphQLError {
  return createGraphQLError(message, { extensions: { code: "LIMIT_EXCEEDED" satisfies ErrorCode } });
}
