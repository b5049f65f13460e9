import type { ExecutionArgs, GraphQLError, GraphQLInputType, VariableDefinitionNode } from "graphql";
import {
  coerceInputValue,
  getOperationAST,
  GraphQLList,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  typeFromAST,
} from "graphql";
import { createGraphQLError, inspect, printPathArray } from "@graphql-tools/utils";
import { Turns } from "../../kernel/turns.ts";

/** Lists up to this length are coerced in one go. */
const LONG_LIST = 10_000;
/** Items of a long list that are coerced at a time. */
const PIECE = 500;
/** Levels of input objects in which long lists are looked for: bulk operations have theirs at the top, or in a selection. */
const MAX_DEPTH = 3;
const MAX_ERRORS = 50;

type Variables = NonNullable<ExecutionArgs["variableValues"]>;
type Path = readonly string[];

/** A long list in the variables. */
interface LongList {
  readonly definition: VariableDefinitionNode;
  /** From the variable's name on. */
  readonly path: Path;
  readonly items: readonly unknown[];
  readonly itemType: GraphQLInputType;
}

/** The variables' long lists, coerced; or why they cannot be. */
export type LongVariables =
  | {
      readonly kind: "COERCED";
      /** The variables as they were given, with empty lists in the place of the long ones. */
      readonly others: Variables;
      /** Puts the lists into the coerced others. */
      readonly putInto: (coerced: Record<string, unknown>) => void;
    }
  | { readonly kind: "REFUSED"; readonly errors: readonly GraphQLError[] };

/** Whether a variable has a list that is too long to be coerced in one go. */
export function haveLongLists(variables: ExecutionArgs["variableValues"]): variables is Variables {
  return variables != null && hasLongList(variables, MAX_DEPTH);
}

function hasLongList(value: object, depth: number): boolean {
  for (const name in value) {
    const member = (value as Variables)[name];
    if (typeof member !== "object" || member === null) {
      continue;
    }
    if (Array.isArray(member) ? member.length > LONG_LIST : depth > 0 && hasLongList(member, depth - 1)) {
      return true;
    }
  }
  return false;
}

/** Coerces the variables' long lists, a piece in a turn of the event loop. Errors are those of the executor. */
export async function coerceLongLists(args: ExecutionArgs, given: Variables): Promise<LongVariables> {
  const lists: LongList[] = [];
  const others = takeLists(args, given, lists);
  const values: (readonly unknown[])[] = [];
  for (const list of lists) {
    const coerced = await coerceList(list);
    if ("errors" in coerced) {
      return { kind: "REFUSED", errors: coerced.errors };
    }
    values.push(coerced.items);
  }
  return {
    kind: "COERCED",
    others,
    putInto(coerced) {
      for (const [at, { path }] of lists.entries()) {
        const holder = path.slice(0, -1).reduce((value, name) => value[name] as typeof coerced, coerced);
        holder[path.at(-1) ?? ""] = values[at];
      }
    },
  };
}

/** The variables with empty lists in the place of the long ones, which are added to `lists`. */
function takeLists(
  { schema, document, operationName }: ExecutionArgs,
  given: Variables,
  lists: LongList[],
): Variables {
  const others = { ...given };
  for (const definition of getOperationAST(document, operationName)?.variableDefinitions ?? []) {
    const name = definition.variable.name.value;
    const type = typeFromAST(schema, definition.type);
    if (isInputType(type) && Object.hasOwn(given, name)) {
      others[name] = takeFrom(definition, type, given[name], [name], lists);
    }
  }
  return others;
}

function takeFrom(
  definition: VariableDefinitionNode,
  type: GraphQLInputType,
  value: unknown,
  path: Path,
  lists: LongList[],
): unknown {
  if (isNonNullType(type)) {
    return takeFrom(definition, type.ofType, value, path, lists);
  }
  if (isListType(type)) {
    if (!Array.isArray(value) || value.length <= LONG_LIST) {
      return value;
    }
    lists.push({ definition, path, items: value, itemType: type.ofType });
    return [];
  }
  if (!isInputObjectType(type) || typeof value !== "object" || value === null || path.length > MAX_DEPTH) {
    return value;
  }
  const fields = type.getFields();
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const field = fields[name];
      return [
        name,
        field === undefined ? member : takeFrom(definition, field.type, member, [...path, name], lists),
      ] as const;
    }),
  );
}

async function coerceList({
  definition,
  path,
  items,
  itemType,
}: LongList): Promise<{ readonly items: readonly unknown[] } | { readonly errors: readonly GraphQLError[] }> {
  const type = new GraphQLList(itemType);
  const coerced: unknown[] = [];
  const turns = new Turns();
  const [name = ""] = path;
  for (let from = 0; from < items.length; from += PIECE) {
    const errors: GraphQLError[] = [];
    const piece = coerceInputValue(items.slice(from, from + PIECE), type, ([at, ...below], value, error) => {
      if (errors.length >= MAX_ERRORS) {
        return;
      }
      const place = printPathArray([...path.slice(1), from + Number(at), ...below]);
      const message = `Variable "$${name}" got invalid value ${inspect(value)} at "${name}${place}"; ${error.message}`;
      errors.push(createGraphQLError(message, { nodes: definition, originalError: error }));
    }) as readonly unknown[];
    if (errors.length > 0) {
      return { errors };
    }
    coerced.push(...piece);
    if (turns.isOver(PIECE)) {
      await turns.next();
    }
  }
  return { items: coerced };
}
