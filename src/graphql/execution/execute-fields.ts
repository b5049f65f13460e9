import type { FieldNode, GraphQLField, GraphQLObjectType, GraphQLResolveInfo } from "graphql";
import type { ExecutionContext } from "@graphql-tools/executor";
import { defaultFieldResolver } from "@graphql-tools/executor";
import { getArgumentValues, locatedError } from "@graphql-tools/utils";

/** One execution, as the interpreter's context describes it. */
export interface Run extends ExecutionContext {
  /** Whether the names in the document are none of JavaScript's own, such as `__proto__`. */
  readonly isPlain: boolean;
}

/** Where a value is in the answer. */
export type Place = GraphQLResolveInfo["path"];

/** Makes a field's value ready for the answer; the result may be a promise. @throws what is wrong with the value */
export type Complete = (run: Run, value: unknown, path: Place, info: GraphQLResolveInfo) => unknown;

/** What is known of a field at its place in a document before it is executed. */
export interface FieldPlan {
  /** Its name in the answer. */
  readonly key: string;
  readonly parentType: GraphQLObjectType;
  readonly nodes: FieldNode[];
  readonly definition: GraphQLField<unknown, unknown>;
  readonly isNullable: boolean;
  readonly complete: Complete;
}

/** The plans for the fields of one selection set on one type. */
export type SelectionPlan = readonly FieldPlan[];

/** Cheaper than the usual check for values that are mostly texts and numbers. */
export function isPromise(value: unknown): value is Promise<unknown> {
  return (
    typeof value === "object" && value !== null && typeof (value as Promise<unknown>).then === "function"
  );
}

/** Executes the fields at the same time, in the order of the document. @returns the object, or a promise of it */
export function executeFields(
  run: Run,
  selection: SelectionPlan,
  source: unknown,
  path: Place | undefined,
): unknown {
  const results = emptyResult(run);
  let pending: string[] | undefined;
  try {
    for (const field of selection) {
      const result = executeField(run, field, source, path);
      results[field.key] = result;
      if (isPromise(result)) {
        (pending ??= []).push(field.key);
      }
    }
  } catch (error) {
    if (pending === undefined) {
      throw error;
    }
    // The others are waited for: they may fail, too.
    const throwFirst = (): never => {
      throw error;
    };
    return settle(results, pending).then(throwFirst, throwFirst);
  }
  return pending === undefined ? results : settle(results, pending);
}

/** An object without a prototype has any name, but is slower. */
function emptyResult({ isPlain }: Run): Record<string, unknown> {
  return isPlain ? {} : (Object.create(null) as Record<string, unknown>);
}

/** Puts what was promised in the places of the promises. */
async function settle(results: Record<string, unknown>, keys: readonly string[]): Promise<object> {
  const values = await Promise.all(keys.map((key) => results[key]));
  keys.forEach((key, at) => {
    results[key] = values[at];
  });
  return results;
}

/** Executes the fields one after the other. */
export async function executeFieldsInTurn(
  run: Run,
  selection: SelectionPlan,
  source: unknown,
): Promise<object> {
  const results = emptyResult(run);
  for (const field of selection) {
    results[field.key] = await executeField(run, field, source, undefined);
  }
  return results;
}

/** @throws a located error for a field that cannot be null */
function executeField(run: Run, field: FieldPlan, source: unknown, parent: Place | undefined): unknown {
  const { definition, nodes, parentType, complete } = field;
  const path: Place = { prev: parent, key: field.key, typename: parentType.name };
  try {
    const resolve = definition.resolve ?? defaultFieldResolver;
    const info = infoOf(run, field, path);
    const args =
      definition.args.length === 0
        ? {}
        : getArgumentValues(definition, nodes[0] as FieldNode, run.variableValues.coerced);
    const result: unknown = resolve(source, args, run.contextValue, info);
    const completed = isPromise(result)
      ? result.then((value: unknown) => complete(run, value, path, info))
      : complete(run, result, path, info);
    return isPromise(completed)
      ? completed.then(undefined, (error: unknown) => failField(run, field, path, error))
      : completed;
  } catch (error) {
    return failField(run, field, path, error);
  }
}

function infoOf(run: Run, { definition, nodes, parentType }: FieldPlan, path: Place): GraphQLResolveInfo {
  return {
    fieldName: definition.name,
    fieldNodes: nodes,
    returnType: definition.type,
    parentType,
    path,
    schema: run.schema,
    fragments: run.fragments,
    rootValue: run.rootValue,
    operation: run.operation,
    variableValues: run.variableValues.coerced,
  };
}

function failField(run: Run, { isNullable, nodes }: FieldPlan, path: Place, error: unknown): null {
  const causes: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  for (const cause of causes) {
    fail(run, isNullable, nodes, path, cause);
  }
  return null;
}

/** Notes the error if a null can stand in the value's place. @throws it otherwise, for the value around it */
export function fail(run: Run, isNullable: boolean, nodes: FieldNode[], path: Place, error: unknown): null {
  const located = locatedError(toError(error), nodes, keysOf(path));
  if (!isNullable) {
    throw located;
  }
  run.errors.push(located);
  return null;
}

function keysOf(path: Place): (string | number)[] {
  const keys: (string | number)[] = [];
  for (let at: Place | undefined = path; at !== undefined; at = at.prev) {
    keys.unshift(at.key);
  }
  return keys;
}

/** Like the interpreter's, for what is thrown and is no Error. */
function toError(error: unknown): Error {
  if (error instanceof Error) {
    return error;
  }
  const { message, stack, name } = Object(error) as Partial<Error>;
  return typeof message === "string"
    ? Object.assign(
        new Error(message),
        typeof stack === "string" && { stack },
        name !== undefined && { name },
      )
    : new Error(String(error));
}
