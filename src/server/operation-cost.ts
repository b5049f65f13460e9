import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  GraphQLCompositeType,
  GraphQLField,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionSetNode,
  ValueNode,
} from "graphql";
import {
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  Kind,
  valueFromASTUntyped,
} from "graphql";

/** The cost of an operation. */
export interface OperationCost {
  readonly cost: number;
  /** Whether the operation costs the same with any variables. */
  readonly isFixed: boolean;
}

/** The operation to measure. */
export interface CostRequest {
  readonly schema: GraphQLSchema;
  /** A validated document: its fields exist, and no fragment contains itself. */
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
}

interface Walk {
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** A variable's value. */
  readonly valueOf: (name: string) => unknown;
  readonly schema: GraphQLSchema;
  /** Costs of fragments: the same wherever they are spread. */
  readonly known: Map<string, number>;
}

/** The API's default size of a page. */
const DEFAULT_PAGE = 20;
/** About the number of fields that the usual introspection query resolves. */
const INTROSPECTION_COST = 2000;

/**
 * The most fields that an operation can resolve: each field counts once, and the fields below a page once per record of the
 * page. An upper bound, made without reading any data.
 */
export function operationCost(request: CostRequest): OperationCost {
  const { document, schema, operationName } = request;
  const operation = document.definitions.find(
    (definition) =>
      definition.kind === Kind.OPERATION_DEFINITION &&
      (operationName == null || definition.name?.value === operationName),
  );
  const root =
    operation?.kind === Kind.OPERATION_DEFINITION ? schema.getRootType(operation.operation) : undefined;
  if (operation?.kind !== Kind.OPERATION_DEFINITION || root == null) {
    return { cost: 0, isFixed: false };
  }
  const fragments = document.definitions.flatMap((definition) =>
    definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition] as const] : [],
  );
  const variables = { ...defaultsOf(operation), ...request.variables };
  let isFixed = true;
  const walk: Walk = {
    fragments: new Map(fragments),
    valueOf(name) {
      isFixed = false;
      return variables[name];
    },
    schema,
    known: new Map(),
  };
  const cost = selectionCost(walk, root, operation.selectionSet);
  return { cost, isFixed };
}

/** The values of variables that a request may leave out. */
function defaultsOf({ variableDefinitions = [] }: OperationDefinitionNode): Record<string, unknown> {
  return Object.fromEntries(
    variableDefinitions.flatMap(({ variable, defaultValue }) =>
      defaultValue === undefined ? [] : [[variable.name.value, valueFromASTUntyped(defaultValue)]],
    ),
  );
}

function selectionCost(walk: Walk, parent: GraphQLCompositeType, { selections }: SelectionSetNode): number {
  let cost = 0;
  for (const selection of selections) {
    switch (selection.kind) {
      case Kind.FIELD:
        cost += fieldCost(walk, parent, selection);
        break;
      case Kind.INLINE_FRAGMENT:
        cost += selectionCost(
          walk,
          typeNamed(walk, selection.typeCondition?.name.value) ?? parent,
          selection.selectionSet,
        );
        break;
      case Kind.FRAGMENT_SPREAD:
        cost += fragmentCost(walk, selection.name.value);
        break;
    }
  }
  return cost;
}

function fragmentCost(walk: Walk, name: string): number {
  const known = walk.known.get(name);
  if (known !== undefined) {
    return known;
  }
  const fragment = walk.fragments.get(name);
  const type = typeNamed(walk, fragment?.typeCondition.name.value);
  const cost =
    fragment === undefined || type === undefined ? 0 : selectionCost(walk, type, fragment.selectionSet);
  walk.known.set(name, cost);
  return cost;
}

function fieldCost(walk: Walk, parent: GraphQLCompositeType, node: FieldNode): number {
  if (node.name.value.startsWith("__")) {
    return node.selectionSet === undefined ? 1 : INTROSPECTION_COST;
  }
  const field =
    isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[node.name.value] : undefined;
  const type = field === undefined ? undefined : getNamedType(field.type);
  if (field === undefined || node.selectionSet === undefined || !isCompositeType(type)) {
    return 1;
  }
  return 1 + pageSize(walk, field, node) * selectionCost(walk, type, node.selectionSet);
}

/** How often the fields below this one are resolved: once, or for each record of a page. */
function pageSize(walk: Walk, field: GraphQLField<unknown, unknown>, node: FieldNode): number {
  if (!field.args.some((argument) => argument.name === "first")) {
    return Math.max(1, idCount(walk, node));
  }
  const sizes = (node.arguments ?? [])
    .filter((argument) => argument.name.value === "first" || argument.name.value === "last")
    .map((argument) => numberOf(walk, argument.value));
  return Math.max(1, ...(sizes.length === 0 ? [DEFAULT_PAGE] : sizes));
}

/** How many objects the field is asked for by their ids, where it has no pages. */
function idCount(walk: Walk, node: FieldNode): number {
  const ids = node.arguments?.find((argument) => argument.name.value === "ids")?.value;
  if (ids?.kind === Kind.LIST) {
    return ids.values.length;
  }
  const given = ids?.kind === Kind.VARIABLE ? walk.valueOf(ids.name.value) : undefined;
  return Array.isArray(given) ? given.length : 0;
}

function numberOf(walk: Walk, value: ValueNode): number {
  const number =
    value.kind === Kind.VARIABLE
      ? walk.valueOf(value.name.value)
      : value.kind === Kind.INT
        ? Number(value.value)
        : undefined;
  return typeof number === "number" && Number.isFinite(number) ? number : DEFAULT_PAGE;
}

function typeNamed(walk: Walk, name: string | undefined): GraphQLCompositeType | undefined {
  const type = name === undefined ? undefined : walk.schema.getType(name);
  return isCompositeType(type) ? type : undefined;
}
