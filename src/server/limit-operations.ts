import type { DocumentNode, ExecutionArgs, ExecutionResult } from "graphql";
import { getOperationAST, GraphQLError, OperationTypeNode, parse } from "graphql";
import type { Plugin } from "graphql-yoga";
import { FILTER_LIMITS, isFilterList } from "../core/filters/filter-size.ts";
import type { DocumentLimit } from "./document-limits.ts";
import { DOCUMENT_LIMITS, exceededLimit } from "./document-limits.ts";
import { LONG_BODY, limitExceeded, NESTED_TOO_DEEPLY } from "./graphql-params.ts";
import { isLong, MAX_NESTING, PLAIN_JSON_LENGTH } from "./long-json.ts";

/**
 * Refuses documents and variables that are too large or nested too deeply, on every transport, before anything walks them.
 * Filters have their own, lower limits. A document is measured when it is parsed: one that comes again is known.
 */
export function limitOperations(): Plugin {
  const refuse = (
    { document, operationName, variableValues }: ExecutionArgs,
    setResultAndStopExecution: (result: ExecutionResult) => void,
  ): void => {
    const refusal =
      variableValues == null
        ? undefined
        : (refusalOfVariables(variableValues) ??
          (isLong(variableValues) ? refusalOfLong(variableValues, document, operationName) : undefined));
    if (refusal !== undefined) {
      setResultAndStopExecution({ errors: [refusal] });
    }
  };
  return {
    onParse: ({ setParseFn }) => setParseFn(parseWithinLimits),
    onExecute: ({ args, setResultAndStopExecution }) => refuse(args, setResultAndStopExecution),
    onSubscribe: ({ args, setResultAndStopExecution }) => refuse(args, setResultAndStopExecution),
  };
}

/** @throws GraphQLError LIMIT_EXCEEDED, or a syntax error */
function parseWithinLimits(source: Parameters<typeof parse>[0]): DocumentNode {
  const document = parseTokens(source);
  const limit = exceededLimit(document);
  if (limit !== undefined) {
    throw tooLarge(limit);
  }
  return document;
}

function parseTokens(source: Parameters<typeof parse>[0]): DocumentNode {
  try {
    return parse(source, { maxTokens: DOCUMENT_LIMITS.tokens });
  } catch (error) {
    if (error instanceof RangeError) {
      // The parser overflowed the stack.
      throw limitExceeded("The document is nested too deeply. Give large values as variables.");
    }
    throw error instanceof GraphQLError && error.message.endsWith("tokens. Parsing aborted.")
      ? tooLarge("tokens")
      : error;
  }
}

const REMEDIES: Readonly<Record<DocumentLimit, readonly [what: string, remedy: string]>> = {
  tokens: ["words, numbers, texts and brackets", "Give large values as variables, or split the document."],
  depth: ["levels of selections", "Ask for less below each record."],
  aliases: [
    "aliases",
    "Split the document, or ask for lists and bulk operations in the place of single ones.",
  ],
  directives: ["directives", "Leave some out."],
  variables: ["variables", "Give what belongs together as one object or list."],
  introspections: ["introspections of the schema", "Ask for `__schema` once."],
  comparisons: ["comparisons of fields with the same name", "Ask for each field once."],
};

function tooLarge(limit: DocumentLimit): Error {
  const max = DOCUMENT_LIMITS[limit];
  const [what, remedy] = REMEDIES[limit];
  return limitExceeded(`The document has more than ${max} ${what}. ${remedy}`, { limit, max });
}

function refusalOfVariables(variables: Readonly<Record<string, unknown>>): GraphQLError | undefined {
  const max = DOCUMENT_LIMITS.variables;
  if (hasMoreMembers(variables, max)) {
    return limitExceeded(`The request has more than ${max} variables. ${REMEDIES.variables[1]}`, {
      limit: "variables",
      max,
    });
  }
  // The levels of a long text are counted before it is parsed.
  return !isLong(variables) && isNestedBeyond(variables, MAX_NESTING)
    ? limitExceeded(NESTED_TOO_DEEPLY)
    : undefined;
}

/** Of variables with long lists, which only bulk operations take, and their filters do not. */
function refusalOfLong(
  variables: Readonly<Record<string, unknown>>,
  document: DocumentNode,
  operationName: string | null | undefined,
): GraphQLError | undefined {
  if (getOperationAST(document, operationName)?.operation !== OperationTypeNode.MUTATION) {
    return limitExceeded(LONG_BODY, { max: PLAIN_JSON_LENGTH });
  }
  const { values } = FILTER_LIMITS;
  return hasLongCondition(variables)
    ? limitExceeded(
        `A list in a condition of a filter has more than ${values} values. Select records by \`ids\`, or by other conditions.`,
        { max: values },
      )
    : undefined;
}

/** Whether a condition such as `in` has a longer list than filters may have. Other lists are not looked into. */
function hasLongCondition(value: object): boolean {
  return Object.entries(value).some(([name, member]) =>
    Array.isArray(member)
      ? member.length > FILTER_LIMITS.values && isFilterList(name)
      : isNesting(member) && hasLongCondition(member),
  );
}

function hasMoreMembers(value: object, max: number): boolean {
  let count = 0;
  for (const _name in value) {
    count += 1;
    if (count > max) {
      return true;
    }
  }
  return false;
}

/** Whether lists and objects are nested deeper than `max`, which the stack can hold. */
function isNestedBeyond(value: object, max: number): boolean {
  if (max < 0) {
    return true;
  }
  if (Array.isArray(value)) {
    for (const item of value) {
      if (isNesting(item) && isNestedBeyond(item, max - 1)) {
        return true;
      }
    }
    return false;
  }
  for (const name in value) {
    const member = (value as Readonly<Record<string, unknown>>)[name];
    if (isNesting(member) && isNestedBeyond(member, max - 1)) {
      return true;
    }
  }
  return false;
}

function isNesting(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
