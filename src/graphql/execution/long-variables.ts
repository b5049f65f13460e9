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
/** Variables with more members and items are large. */
const MANY_MEMBERS = 1_000;
/** So are those with longer texts, together. */
const MANY_CHARACTERS = 64 * 1024;
/** Items of a long list that are coerced at a time. */
const PIECE = 500;
/** Levels of input objects in which long lists are looked for: bulk operations have theirs at the top, or in a selection. */
const MAX_DEPTH = 3;
/** Errors of large variables that are told. */
const MAX_ERRORS = 10;

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

/**
 * Whether variables are so large that the executor must not coerce them: it walks long lists in one go, and each of its errors
 * quotes the whole of a wrong value, so that an answer may be 50 times as long as the request.
 */
export function areLarge(variables: ExecutionArgs["variableValues"]): variables is Variables {
  return variables != null && isLarge(variables);
}

function isLarge(value: unknown): boolean {
  const room = { members: MANY_MEMBERS, characters: MANY_CHARACTERS };
  return !fits(value, room);
}

/** Takes the value's size from the room. @returns false if it does not fit */
function fits(value: unknown, room: { members: number; characters: number }): boolean {
  if (typeof value === "string") {
    room.characters -= value.length;
    return room.characters >= 0;
  }
  if (typeof value !== "object" || value === null) {
    return true;
  }
  if (Array.isArray(value)) {
    room.members -= value.length;
    return room.members >= 0 && value.every((item) => fits(item, room));
  }
  for (const name in value) {
    room.members -= 1;
    room.characters -= name.length;
    if (room.members < 0 || !fits((value as Variables)[name], room)) {
      return false;
    }
  }
  return room.characters >= 0;
}

/**
 * Coerces the long lists of large variables, a piece in a turn of the event loop, and finds out whether the others can be
 * coerced. Errors are those of the executor, but a large value is not quoted, and only the first ten are told.
 */
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
  const errors = errorsOf(args, others);
  if (errors.length > 0) {
    return { kind: "REFUSED", errors };
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
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isInputObjectType(type) || !isObject || path.length > MAX_DEPTH) {
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

/** Why the variables cannot be coerced. Those that are missing, or null, the executor refuses: it quotes nothing. */
function errorsOf({ schema, document, operationName }: ExecutionArgs, variables: Variables): GraphQLError[] {
  const errors: GraphQLError[] = [];
  for (const definition of getOperationAST(document, operationName)?.variableDefinitions ?? []) {
    const name = definition.variable.name.value;
    const type = typeFromAST(schema, definition.type);
    if (isInputType(type) && variables[name] != null) {
      const found = new FoundErrors(definition, [name], errors);
      found.coerce(variables[name], type);
    }
  }
  return errors;
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
  for (let from = 0; from < items.length; from += PIECE) {
    const errors: GraphQLError[] = [];
    const piece = new FoundErrors(definition, path, errors, from).coerce(
      items.slice(from, from + PIECE),
      type,
    );
    if (errors.length > 0) {
      return { errors };
    }
    coerced.push(...(piece as readonly unknown[]));
    if (turns.isOver(PIECE)) {
      await turns.next();
    }
  }
  return { items: coerced };
}

/** Ends the coercion of a value whose first errors are known. */
class Enough extends Error {}

/** Collects the errors of a variable's value, or of a part of it. */
class FoundErrors {
  readonly #definition: VariableDefinitionNode;
  readonly #path: Path;
  readonly #errors: GraphQLError[];
  /** The place of a piece's first item in its list. */
  readonly #from: number | undefined;

  constructor(definition: VariableDefinitionNode, path: Path, errors: GraphQLError[], from?: number) {
    this.#definition = definition;
    this.#path = path;
    this.#errors = errors;
    this.#from = from;
  }

  coerce(value: unknown, type: GraphQLInputType): unknown {
    try {
      return coerceInputValue(value, type, (at, wrong, error) => this.#add(at, wrong, error.message, error));
    } catch (error) {
      if (error instanceof Enough) {
        return undefined;
      }
      throw error;
    }
  }

  #add(at: readonly (string | number)[], wrong: unknown, why: string, originalError: GraphQLError): void {
    if (this.#errors.length >= MAX_ERRORS) {
      throw new Enough();
    }
    const [name = "", ...above] = this.#path;
    const [first, ...below] = at;
    const inPiece = this.#from === undefined ? at : [this.#from + Number(first), ...below];
    const place = printPathArray([...above, ...inPiece]);
    const where = place === "" ? "" : ` at "${name}${place}"`;
    const message = `Variable "$${name}" got invalid value ${quote(wrong)}${where}; ${shorten(why)}`;
    this.#errors.push(createGraphQLError(message, { nodes: this.#definition, originalError }));
  }
}

/** A value in a message. A large one is not quoted. */
function quote(value: unknown): string {
  if (!isLarge(value)) {
    return inspect(value);
  }
  return typeof value === "string"
    ? `a text of ${value.length} characters`
    : Array.isArray(value)
      ? `a list of ${value.length}`
      : "a large object";
}

/** What a scalar says of a value may quote it. */
function shorten(message: string): string {
  return message.length > 1_000 ? `${message.slice(0, 1_000)}…` : message;
}
