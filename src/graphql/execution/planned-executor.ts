import type { DocumentNode, ExecutionArgs, ExecutionResult, FieldNode, GraphQLObjectType } from "graphql";
import { isNonNullType, Kind, OperationTypeNode, visit } from "graphql";
import { buildExecutionContext, getFieldDef } from "@graphql-tools/executor";
import { collectFields } from "@graphql-tools/utils";
import type { Planner } from "./complete-value.ts";
import { completerOf } from "./complete-value.ts";
import type { FieldPlan, Run, SelectionPlan } from "./execute-fields.ts";
import { executeFields, executeFieldsInTurn, isPromise } from "./execute-fields.ts";
import { areLarge, coerceLongLists } from "./long-variables.ts";

/** Executes one operation; the result may be a promise. */
export type Execute = (args: ExecutionArgs) => unknown;

/** The limits of what is kept. */
export interface PlanLimits {
  /** Fields of the plans of one document; plans of one with more are not kept. Default 2,000. */
  readonly maxFieldsPerDocument?: number;
  /** Fields of all plans; when there are more, all plans are forgotten. Default 100,000, some 30 MB. */
  readonly maxFields?: number;
}

/** What is known of a document that has come before. */
interface KnownDocument {
  /** The variables in `@skip` and `@include`, which decide what fields are selected. */
  readonly switches: readonly string[];
  /** Whether the names in it are none of JavaScript's own. */
  readonly isPlain: boolean;
  /** The plans of the root fields, by operation and by the values of the switches. */
  readonly plans: Map<string, SelectionPlan>;
  fieldCount: number;
}

/** Plans per document, one for each set of values of its switches. */
const MAX_PLANS = 16;

/**
 * Executes operations by plans; a subscription as one event of it, the root value. A plan is what an interpreter finds out
 * anew for each record: which fields a type's selection has, their definitions, and how their values are completed. Plans
 * are kept from the second time on that a document comes. Answers, errors and the order of calls are those of yoga's
 * interpreter, but for its fault: where an item of a list that may not be null fails at once, it leaves the failures of the
 * items before it unhandled, which ends the process.
 *
 * A document is known by its object, so the cache of parsed documents decides which ones come again. Plans are data, not
 * generated code, so nothing that a client sends is ever run.
 * @param refuse answers what cannot be executed: variables that are refused, operations that are not in the document
 */
export function createPlannedExecutor(refuse: Execute, limits: PlanLimits = {}): Execute {
  const { maxFieldsPerDocument = 2000, maxFields = 100_000 } = limits;
  let known = new WeakMap<DocumentNode, KnownDocument>();
  let fieldCount = 0;
  const remember = (document: KnownDocument, count: number): void => {
    document.fieldCount += count;
    fieldCount += count;
    if (document.fieldCount > maxFieldsPerDocument) {
      document.plans.clear();
    }
    if (fieldCount > maxFields) {
      known = new WeakMap();
      fieldCount = 0;
    }
  };
  const executePlanned = (args: ExecutionArgs, put?: (coerced: Record<string, unknown>) => void): unknown => {
    const before = known.get(args.document);
    const document = before ?? readDocument(args.document);
    known.set(args.document, document);
    const context = buildExecutionContext(args as Parameters<typeof buildExecutionContext>[0]);
    if (!("schema" in context) || context.schema.getRootType(context.operation.operation) == null) {
      return refuse(args);
    }
    put?.(context.variableValues.coerced as Record<string, unknown>);
    const run: Run = Object.assign(context, { isPlain: document.isPlain });
    const isKept = before !== undefined && document.fieldCount <= maxFieldsPerDocument;
    return execute(run, isKept ? keptPlan(document, run, remember) : planRoot(run, () => undefined));
  };
  return (args) =>
    areLarge(args.variableValues)
      ? executeLarge(args, args.variableValues, executePlanned)
      : executePlanned(args);
}

/** Coerces large variables before all else, since that takes several turns of the event loop. */
async function executeLarge(
  args: ExecutionArgs,
  variables: NonNullable<ExecutionArgs["variableValues"]>,
  executePlanned: (args: ExecutionArgs, put: (coerced: Record<string, unknown>) => void) => unknown,
): Promise<unknown> {
  const long = await coerceLongLists(args, variables);
  return long.kind === "REFUSED"
    ? { errors: long.errors }
    : executePlanned({ ...args, variableValues: long.others }, long.putInto);
}

/** The variables in `@skip` and `@include`, and whether all names are plain. */
function readDocument(document: DocumentNode): KnownDocument {
  const switches = new Set<string>();
  let isPlain = true;
  visit(document, {
    Directive({ arguments: values = [] }) {
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
  return { switches: [...switches], isPlain, plans: new Map(), fieldCount: 0 };
}

function keptPlan(
  document: KnownDocument,
  run: Run,
  remember: (document: KnownDocument, count: number) => void,
): SelectionPlan {
  const { plans, switches } = document;
  const { operation, variableValues } = run;
  const values = switches.map((name) => (variableValues.coerced as Record<string, unknown>)[name]);
  const key = `${operation.name?.value ?? ""} ${values.join()}`;
  const kept = plans.get(key);
  if (kept !== undefined) {
    return kept;
  }
  if (plans.size >= MAX_PLANS) {
    return planRoot(run, () => undefined);
  }
  const selection = planRoot(run, (count) => remember(document, count));
  plans.set(key, selection);
  return selection;
}

/** @param onPlanned see {@link createPlanner} */
function planRoot(run: Run, onPlanned: (count: number) => void): SelectionPlan {
  const { operation, schema, fragments, variableValues } = run;
  const type = schema.getRootType(operation.operation) as GraphQLObjectType;
  const { fields } = collectFields(schema, fragments, variableValues, type, operation.selectionSet);
  return createPlanner(onPlanned).plan(run, type, fields);
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
