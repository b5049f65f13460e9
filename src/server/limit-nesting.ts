import type { DocumentNode, ExecutionArgs, GraphQLError } from "graphql";
import type { Plugin } from "graphql-yoga";
import { createGraphQLError } from "graphql-yoga";
import type { ErrorCode } from "../kernel/error-codes.ts";

/** The most levels of lists and objects. Much deeper values would overflow the stack. */
const MAX_NESTING = 1_000;

/**
 * Refuses variables and documents that are nested too deeply, on every transport: recursive functions read them, and would
 * overflow the stack. Filters have their own, lower limit.
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
          // The parser overflowed the stack.
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

/** Whether lists and objects are nested deeper than `max`; without recursion, and stops at the first level beyond. */
function isNestedBeyond(value: unknown, max: number): boolean {
  let level = isNesting(value) ? [value] : [];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > max) {
      return true;
    }
    level = level.flatMap((one) => Object.values(one).filter(isNesting));
  }
  return false;
}

function isNesting(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function tooDeep(message: string): GraphQLError {
  return createGraphQLError(message, { extensions: { code: "LIMIT_EXCEEDED" satisfies ErrorCode } });
}
