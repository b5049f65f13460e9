import type {
  FieldNode,
  GraphQLAbstractType,
  GraphQLLeafType,
  GraphQLObjectType,
  GraphQLOutputType,
  GraphQLResolveInfo,
} from "graphql";
import { GraphQLError, isAbstractType, isLeafType, isListType, isNonNullType, isObjectType } from "graphql";
import { defaultTypeResolver } from "@graphql-tools/executor";
import {
  collectSubFields,
  createGraphQLError,
  inspect,
  isAsyncIterable,
  isIterableObject,
} from "@graphql-tools/utils";
import type { Complete, Place, Run, SelectionPlan } from "./execute-fields.ts";
import { executeFields, fail, isPromise } from "./execute-fields.ts";

/** Plans the fields of a selection. */
export interface Planner {
  readonly plan: (
    run: Run,
    type: GraphQLObjectType,
    fields: ReadonlyMap<string, FieldNode[]>,
  ) => SelectionPlan;
}

/** The completion of a type's values; see "Value Completion" in the specification of GraphQL. */
export function completerOf(planner: Planner, type: GraphQLOutputType, nodes: FieldNode[]): Complete {
  if (isNonNullType(type)) {
    if (isLeafType(type.ofType)) {
      return completerOfRequiredLeaf(type.ofType);
    }
    const complete = completerOf(planner, type.ofType, nodes);
    return (run, value, path, info) => {
      const completed = complete(run, value, path, info);
      return isPromise(completed)
        ? completed.then((late: unknown) => requireValue(late, info))
        : requireValue(completed, info);
    };
  }
  const complete = completerOfPresent(planner, type, nodes);
  return (run, value, path, info) => {
    if (value instanceof Error) {
      throw value;
    }
    return value == null ? null : complete(run, value, path, info);
  };
}

/** The same in one step, for the most frequent fields. */
function completerOfRequiredLeaf(type: GraphQLLeafType): Complete {
  return (_run, value, _path, info) => {
    if (value instanceof Error) {
      throw value;
    }
    return value == null ? requireValue(null, info) : serialize(type, value);
  };
}

function requireValue(value: unknown, { parentType, fieldName }: GraphQLResolveInfo): unknown {
  if (value === null) {
    throw new Error(`Cannot return null for non-nullable field ${parentType.name}.${fieldName}.`);
  }
  return value;
}

function completerOfPresent(planner: Planner, type: GraphQLOutputType, nodes: FieldNode[]): Complete {
  if (isListType(type)) {
    return completerOfList(planner, type.ofType as GraphQLOutputType, nodes);
  }
  if (isLeafType(type)) {
    return (_run, value) => serialize(type, value);
  }
  if (isAbstractType(type)) {
    return completerOfAbstract(planner, type, nodes);
  }
  if (isObjectType(type)) {
    return completerOfObject(planner, type, nodes);
  }
  throw new TypeError(`Values of the type ${inspect(type)} cannot be completed.`);
}

function serialize(type: GraphQLLeafType, value: unknown): unknown {
  let serialized: unknown;
  try {
    serialized = type.serialize(value);
  } catch (error) {
    // As the interpreter does, so that it is located like any other error.
    throw error instanceof GraphQLError ? new Error(error.message) : error;
  }
  if (serialized == null) {
    throw new Error(
      `Expected \`${inspect(type)}.serialize(${inspect(value)})\` to return non-nullable value, returned: ${inspect(serialized)}`,
    );
  }
  return serialized;
}

function completerOfList(planner: Planner, itemType: GraphQLOutputType, nodes: FieldNode[]): Complete {
  const complete = completerOf(planner, itemType, nodes);
  const isNullable = !isNonNullType(itemType);
  const completeItem: Complete = (run, item, path, info) => {
    try {
      const completed = isPromise(item)
        ? item.then((value) => complete(run, value, path, info))
        : complete(run, item, path, info);
      return isPromise(completed)
        ? completed.then(undefined, (error: unknown) => fail(run, isNullable, nodes, path, error))
        : completed;
    } catch (error) {
      return fail(run, isNullable, nodes, path, error);
    }
  };
  return (run, items, path, info) => {
    if (isAsyncIterable(items)) {
      const failItem = (error: unknown, at: number): null =>
        fail(run, isNullable, nodes, { prev: path, key: at, typename: undefined }, error);
      return completeStream(items, failItem, (item, at) =>
        completeItem(run, item, { prev: path, key: at, typename: undefined }, info),
      );
    }
    if (!isIterableObject(items)) {
      const { parentType, fieldName } = info;
      throw createGraphQLError(
        `Expected Iterable, but did not find one for field "${parentType.name}.${fieldName}".`,
      );
    }
    const results: unknown[] = [];
    let isPending = false;
    try {
      for (const item of items) {
        const place: Place = { prev: path, key: results.length, typename: undefined };
        const result = completeItem(run, item, place, info);
        isPending ||= isPromise(result);
        results.push(result);
      }
    } catch (error) {
      // Nobody waits for the items before this one any more, and they may fail, too.
      results.filter(isPromise).forEach((result) => void result.catch(() => undefined));
      throw error;
    }
    return isPending ? Promise.all(results) : results;
  };
}

/** A list whose items arrive one by one; one that breaks off ends with its error. */
async function completeStream(
  items: AsyncIterable<unknown>,
  failItem: (error: unknown, at: number) => null,
  completeItem: (item: unknown, at: number) => unknown,
): Promise<unknown[]> {
  const results: unknown[] = [];
  const iterator = items[Symbol.asyncIterator]();
  for (;;) {
    let step: IteratorResult<unknown>;
    try {
      step = await iterator.next();
    } catch (error) {
      results.push(failItem(error, results.length));
      break;
    }
    if (step.done === true) {
      break;
    }
    results.push(completeItem(step.value, results.length));
  }
  return Promise.all(results);
}

/** The fields of each concrete type are planned when the first value of it comes. */
function completerOfAbstract(planner: Planner, type: GraphQLAbstractType, nodes: FieldNode[]): Complete {
  const completers = new Map<GraphQLObjectType, Complete>();
  return (run, value, path, info) => {
    const completeAs = (name: unknown): unknown => {
      const concrete = concreteType(run, type, name, nodes, info, value);
      let complete = completers.get(concrete);
      if (complete === undefined) {
        complete = completerOfObject(planner, concrete, nodes);
        completers.set(concrete, complete);
      }
      return complete(run, value, path, info);
    };
    const name: unknown = (type.resolveType ?? defaultTypeResolver)(value, run.contextValue, info, type);
    return isPromise(name) ? name.then(completeAs) : completeAs(name);
  };
}

function concreteType(
  { schema }: Run,
  type: GraphQLAbstractType,
  name: unknown,
  nodes: FieldNode[],
  info: GraphQLResolveInfo,
  value: unknown,
): GraphQLObjectType {
  const field = `${info.parentType.name}.${info.fieldName}`;
  if (name == null) {
    throw createGraphQLError(
      `Abstract type "${type.name}" must resolve to an Object type at runtime for field "${field}". Either the "${type.name}" type should provide a "resolveType" function or each possible type should provide an "isTypeOf" function.`,
      { nodes },
    );
  }
  if (typeof name !== "string") {
    throw createGraphQLError(
      `Abstract type "${type.name}" must resolve to an Object type at runtime for field "${field}" with value ${inspect(value)}, received "${inspect(name)}".`,
    );
  }
  const found = schema.getType(name);
  if (!isObjectType(found)) {
    const what =
      found == null
        ? `a type "${name}" that does not exist inside the schema`
        : `a non-object type "${name}"`;
    throw createGraphQLError(`Abstract type "${type.name}" was resolved to ${what}.`, { nodes });
  }
  if (!schema.isSubType(type, found)) {
    throw createGraphQLError(
      `Runtime Object type "${found.name}" is not a possible type for "${type.name}".`,
      { nodes },
    );
  }
  return found;
}

function completerOfObject(planner: Planner, type: GraphQLObjectType, nodes: FieldNode[]): Complete {
  let selection: SelectionPlan | undefined;
  const execute = (run: Run, value: unknown, path: Place): unknown => {
    if (selection === undefined) {
      const { fields } = collectSubFields(run.schema, run.fragments, run.variableValues, type, nodes);
      selection = planner.plan(run, type, fields);
    }
    return executeFields(run, selection, value, path);
  };
  const { isTypeOf } = type;
  if (isTypeOf == null) {
    return execute;
  }
  return (run, value, path, info) => {
    const executeIf = (isOfType: boolean): unknown => {
      if (!isOfType) {
        throw createGraphQLError(`Expected value of type "${type.name}" but got: ${inspect(value)}.`, {
          nodes,
        });
      }
      return execute(run, value, path);
    };
    const isOfType = isTypeOf(value, run.contextValue, info);
    return isPromise(isOfType) ? isOfType.then(executeIf) : executeIf(isOfType);
  };
}
