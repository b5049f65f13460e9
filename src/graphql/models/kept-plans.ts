import type { ASTNode, FieldNode, GraphQLResolveInfo } from "graphql";
import { BREAK, visit } from "graphql";
import type { Access, AccessAction, FieldAction, WhereFilter } from "../../core/access/access.ts";
import type { Viewer } from "../../core/access/viewer.ts";
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
 * The same for a plan that has arguments' values, and what access rules say of the viewer, in it: it is kept if there are no
 * variables among those arguments, and holds for every viewer of whom the rules say the same.
 * @param nodes with the arguments
 * @param plan is given ports that note what the rules are asked
 */
export function planWithScopes<T>(
  ports: ModelPorts,
  { viewer, info }: { readonly viewer: Viewer; readonly info: GraphQLResolveInfo },
  { kind, nodes }: { readonly kind: string; readonly nodes: readonly (ASTNode | undefined)[] },
  plan: (ports: ModelPorts) => T,
): T {
  const around = ports.access instanceof NotingAccess ? ports.access : undefined;
  const rules = around?.rules ?? ports.access;
  let isNew = false;
  const make = (): RuledPlan<T> => {
    isNew = true;
    const access = new NotingAccess(rules);
    return { plan: plan({ ...ports, access }), questions: access.questions };
  };
  const isFixed = (): boolean => !hasVariables([...nodes, ...Object.values(info.fragments)]);
  const kept = planOnce(info, kind, make, isFixed);
  const holds = isNew || kept.questions.every((question) => isAnsweredAlike(question, viewer));
  const used = holds ? kept : make();
  around?.questions.push(...used.questions);
  return used.plan;
}

/** A plan, and what it asked of the access rules. */
interface RuledPlan<T> {
  readonly plan: T;
  readonly questions: readonly Question[];
}

/** What was asked of the access rules, and what they said. */
interface Question {
  readonly ask: (viewer: Viewer) => Answer;
  readonly answer: Answer;
}

type Answer = WhereFilter | boolean | undefined;

/** Access rules that note what they are asked while a plan is made. A plan within another one notes for both. */
class NotingAccess implements Access {
  readonly questions: Question[] = [];
  /** The app's own: what is asked again later must not be noted. */
  readonly rules: Access;

  constructor(rules: Access) {
    this.rules = rules;
  }

  isAllowed(model: string, viewer: Viewer, action: AccessAction): boolean {
    return this.#note(viewer, (of) => this.rules.isAllowed(model, of, action));
  }

  scope(model: string, viewer: Viewer, action: AccessAction): WhereFilter | undefined {
    return this.#note(viewer, (of) => this.rules.scope(model, of, action));
  }

  isFieldAllowed(model: string, field: string, viewer: Viewer, action: FieldAction): boolean {
    return this.#note(viewer, (of) => this.rules.isFieldAllowed(model, field, of, action));
  }

  #note<A extends Answer>(viewer: Viewer, ask: (of: Viewer) => A): A {
    const answer = ask(viewer);
    this.questions.push({ ask, answer });
    return answer;
  }
}

function isAnsweredAlike({ ask, answer }: Question, viewer: Viewer): boolean {
  const now = ask(viewer);
  const isFilter = typeof now === "object" && typeof answer === "object";
  return now === answer || (isFilter && JSON.stringify(now) === JSON.stringify(answer));
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
