import type { ASTNode, FieldNode, GraphQLResolveInfo } from "graphql";
import { BREAK, visit } from "graphql";
import type { ModelPorts } from "./model-schema.ts";

/** What was planned for a field of a document. */
interface KnownPlan {
  readonly schema: GraphQLResolveInfo["schema"];
  readonly fieldNodes: readonly FieldNode[];
  readonly kind: string;
  /** Undefined: it is planned anew each time. */
  readonly kept: { readonly plan: unknown } | undefined;
}

// As long as the server keeps the parsed document.
const knownPlans = new WeakMap<FieldNode, KnownPlan[]>();

/**
 * Plans a field of a document once, unless the variables decide which fields are selected below it.
 * @param kind tells the plans of a field apart
 * @param isFixed whether each operation with the document would make the same plan; asked once. Default: it would
 */
export function planOnce<T>(
  info: GraphQLResolveInfo,
  kind: string,
  plan: () => T,
  isFixed: () => boolean = () => true,
): T {
  const [first] = info.fieldNodes;
  if (first === undefined) {
    return plan();
  }
  const plans = knownPlans.get(first) ?? [];
  const known = plans.find(
    (each) =>
      each.kind === kind &&
      each.schema === info.schema &&
      each.fieldNodes.length === info.fieldNodes.length &&
      each.fieldNodes.every((node, at) => node === info.fieldNodes[at]),
  );
  if (known !== undefined) {
    return known.kept === undefined ? plan() : (known.kept.plan as T);
  }
  const made = plan();
  const kept = !hasConditions(info) && isFixed() ? { plan: made } : undefined;
  knownPlans.set(first, [...plans, { schema: info.schema, fieldNodes: info.fieldNodes, kind, kept }]);
  return made;
}

/**
 * The same for a plan that has arguments' values and viewers' scopes in it: it is kept if there are no variables among
 * those arguments, and no model with a scope.
 * @param nodes with the arguments
 * @param plan is given ports that notice whose scopes are asked for
 */
export function planWithScopes<T>(
  ports: ModelPorts,
  info: GraphQLResolveInfo,
  { kind, nodes }: { readonly kind: string; readonly nodes: readonly (ASTNode | undefined)[] },
  plan: (ports: ModelPorts) => T,
): T {
  let isScoped = false;
  const access: ModelPorts["access"] = {
    scope(model, viewer) {
      isScoped ||= ports.hasScope(model);
      return ports.access.scope(model, viewer);
    },
  };
  return planOnce(
    info,
    kind,
    () => plan({ ...ports, access }),
    () => !isScoped && !hasVariables([...nodes, ...Object.values(info.fragments)]),
  );
}

/** Whether a directive in the operation could leave fields out. */
function hasConditions({ operation, fragments }: GraphQLResolveInfo): boolean {
  return [operation, ...Object.values(fragments)].some((node) => has(node, "Directive"));
}

function hasVariables(nodes: readonly (ASTNode | undefined)[]): boolean {
  return nodes.some((node) => node !== undefined && has(node, "Variable"));
}

function has(node: ASTNode, kind: "Directive" | "Variable"): boolean {
  let isFound = false;
  visit(node, {
    [kind]() {
      isFound = true;
      return BREAK;
    },
  });
  return isFound;
}
