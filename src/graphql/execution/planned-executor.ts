import type { DocumentNode, ExecutionArgs, ExecutionResult, FieldNode, GraphQLObjectType } from "graphql";
import { isNonNullType, Kind, OperationTypeNode, visit } from "graphql";
import { buildExecutionContext, getFieldDef } from "@graphql-tools/executor";
import { collectFields } from "@graphql-tools/utils";
import type { Planner } from "./complete-value.ts";
import { completerOf } from "./complete-value.ts";
import type { FieldPlan, Run, SelectionPlan } from "./execute-fields.ts";
import { executeFields, executeFieldsInTurn, isPromise } from "./execute-fields.ts";

/** Executes one operation; the result may be a promise. */
export type Execute = (args: ExecutionArgs) => unknown;

/** The limits of what is kept. */
export interface PlanLimits {
  /** Fields of the plans of one document; one with more is interpreted. Default 2,000. */
  readonly maxFieldsPerDocument?: number;
  /** Fields of all plans; when there are more, all plans are forgotten. Default 100,000, some 30 MB. */
  readonly maxFields?: number;
}

/** What is known of a document that has come before. */
interface KnownDocument {
  /** The variables that decide which fields are selected. Undefined: the document is interpreted. */
  readonly switches: readonly string[] | undefined;
  /** The plans of the root fields, by operation and by the values of the switches. */
  readonly plans: Map<string, SelectionPlan>;
  fieldCount: number;
}

/** Plans per document, one for each set of values of its switches. */
const MAX_PLANS = 16;

/**
 * Executes queries and mutations by plans, from the second time on that a document comes. A plan is what the interpreter
 * finds out anew for each record: which fields a type's selection has, their definitions, and how their values are completed.
 * Answers, errors and the order of calls are the interpreter's own.
 *
 * A document is known by its object, so the cache of parsed documents decides which ones come again. Plans are data, not
 * generated code, so nothing that a client sends is ever run.
 * @param interpret executes everything else: what comes for the first time, subscriptions, variables that are refused
 */
export function createPlannedExecutor(interpret: Execute, limits: PlanLimits = {}): Execute {
  const { maxFieldsPerDocument = 2000, maxFields = 100_000 } = limits;
  let known = new WeakMap<DocumentNode, KnownDocument>();
  let fieldCount = 0;
  const remember = (document: KnownDocument, count: number): void => {
    document.fieldCount += count;
    fieldCount += count;
    if (fieldCount > maxFields) {
      known = new WeakMap();
      fieldCount = 0;
    }
  };
  return (args) => {
    const document = known.get(args.document);
    if (document === undefined) {
      known.set(args.document, readDocument(args.document));
      return interpret(args);
    }
    if (document.switches === undefined || document.fieldCount > maxFieldsPerDocument) {
      document.plans.clear();
      return interpret(args);
    }
    const run = buildExecutionContext(args as Parameters<typeof buildExecutionContext>[0]);
    if (!("schema" in run) || run.operation.operation === OperationTypeNode.SUBSCRIPTION) {
      return interpret(args);
    }
    const selection = selectionFor(document, run, document.switches, (count) => remember(document, count));
    return selection === undefined ? interpret(args) : execute(run, selection);
  };
}

function readDocument(document: DocumentNode): KnownDocument {
  return { switches: switchesOf(document), plans: new Map(), fieldCount: 0 };
}

/**
 * The variables in `@skip` and `@include`.
 * @returns undefined for a document that is only interpreted: with other directives, or a name that is one of JavaScript's own
 */
function switchesOf(document: DocumentNode): readonly string[] | undefined {
  const switches = new Set<string>();
  let isPlain = true;
  visit(document, {
    Directive({ name, arguments: values = [] }) {
      isPlain &&= name.value === "skip" || name.value === "include";
      for (const { value } of values) {
        if (value.kind === Kind.VARIABLE) {
          switches.add(value.name.value);
        }
      }
    },
    Name({ value }) {
      isPlain &&= value !== "__proto__";
    },
  });
  return isPlain ? [...switches] : undefined;
}

/** @returns undefined if the document has too many plans already */
function selectionFor(
  { plans }: KnownDocument,
  run: Run,
  switches: readonly string[],
  onPlanned: (count: number) => void,
): SelectionPlan | undefined {
  const { operation, schema, fragments, variableValues } = run;
  const values = switches.map((name) => (variableValues.coerced as Record<string, unknown>)[name]);
  const key = `${operation.name?.value ?? ""} ${values.join()}`;
  let selection = plans.get(key);
  const type = schema.getRootType(operation.operation);
  if (selection === undefined && plans.size < MAX_PLANS && type != null) {
    const { fields } = collectFields(schema, fragments, variableValues, type, operation.selectionSet);
    selection = createPlanner(onPlanned).plan(run, type, fields);
    plans.set(key, selection);
  }
  return selection;
}

/** @param onPlanned is told how many fields were planned, each time that a selection is met first */
function createPlanner(onPlanned: (count: number) => void): Planner {
  const planner: Planner = {
    plan(run, type, fields) {
      onPlanned(fields.size);
      return [...fields].flatMap(([key, nodes]) => planField(planner, run, type, key, nodes));
    },
  };
  return planner;
}

/** @returns none for a field that the type does not have, which validation has let through */
function planField(
  planner: Planner,
  { schema }: Run,
  parentType: GraphQLObjectType,
  key: string,
  nodes: FieldNode[],
): readonly FieldPlan[] {
  const [node] = nodes;
  const definition = node && getFieldDef(schema, parentType, node);
  if (definition == null) {
    return [];
  }
  const isNullable = !isNonNullType(definition.type);
  const complete = completerOf(planner, definition.type, nodes);
  return [{ key, parentType, nodes, definition, isNullable, complete }];
}

function execute(run: Run, selection: SelectionPlan): unknown {
  try {
    const data =
      run.operation.operation === OperationTypeNode.MUTATION
        ? executeFieldsInTurn(run, selection, run.rootValue)
        : executeFields(run, selection, run.rootValue, undefined);
    return isPromise(data)
      ? data.then(
          (value: unknown) => answer(run, value),
          (error: unknown) => failed(run, error),
        )
      : answer(run, data);
  } catch (error) {
    return failed(run, error);
  }
}

/** An error of a root field that cannot be null. */
function failed(run: Run, error: unknown): ExecutionResult {
  run.errors.push(error as Run["errors"][number]);
  return answer(run, null);
}

function answer({ errors }: Run, value: unknown): ExecutionResult {
  const data = value as NonNullable<ExecutionResult["data"]> | null;
  return errors.length > 0 ? { errors, data } : { data };
}
