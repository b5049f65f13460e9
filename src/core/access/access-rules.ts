import type { Json } from "../../kernel/json.ts";
import type { MembersOf, MembersShape, Shape } from "../../kernel/shape.ts";
import type { Access, AccessAction, FieldAction, WhereFilter } from "./access.ts";
import { andFilters, NOTHING } from "./access.ts";
import type { FullViewer, Viewer } from "./viewer.ts";
import { fullViewer } from "./viewer.ts";

/** What a rule is asked about. */
export interface AccessQuestion {
  readonly viewer: FullViewer;
}

/**
 * Who may do something: true for everybody, false for nobody, or a function that says so for a viewer. It is called often,
 * so it must be quick, and may look at the viewer only. One that throws refuses the request.
 */
export type FieldRule = boolean | ((question: AccessQuestion) => boolean);

/** The same for records. The function may also return a filter: then for the records that match it. */
export type AccessRule<Filter = WhereFilter> = boolean | ((question: AccessQuestion) => boolean | Filter);

/** The rules of a model. An action that is left out has the default rule; see {@link createAccess}. */
export interface AccessRules<Filter = WhereFilter, Field extends string = string> {
  /** Which records may be read, by whatever way leads to them. */
  readonly read?: AccessRule<Filter>;
  /** What new records must be like. */
  readonly create?: AccessRule<Filter>;
  /**
   * Which records that can be read may be changed. A record must match before and after, so that nobody moves one out of
   * their own reach. Linking is a change of the record that is named; the other one must be readable.
   */
  readonly update?: AccessRule<Filter>;
  /** Which records that can be read may be deleted. */
  readonly delete?: AccessRule<Filter>;
  /** Further rules for single fields. Default: whoever may read or write the record, may its fields. */
  readonly fields?: { readonly [Name in Field]?: FieldRules };
}

/** The rules of a field. */
export interface FieldRules {
  /** Who may select it, filter, sort, group, count and search by it. Default: true. */
  readonly read?: FieldRule;
  /** Who may name it in a write. Default: true. */
  readonly write?: FieldRule;
}

type FieldRulesMap = Readonly<Record<string, FieldRules | undefined>>;

/** The option `access` of a model: one rule for all actions, or one for each. */
export type AccessOption<Filter = WhereFilter, Field extends string = string> =
  | AccessRule<Filter>
  | AccessRules<Filter, Field>;

/** See {@link AccessOption}. @param fields the model's columns and relations */
export function accessOptionShape(fields: readonly string[]): Shape {
  const rule: Shape = { kind: "FUNCTION_OR", other: { kind: "FLAG" } };
  const field: MembersOf<FieldRules> = { read: rule, write: rule };
  const members: MembersOf<AccessRules> = {
    read: rule,
    create: rule,
    update: rule,
    delete: rule,
    fields: {
      kind: "MAP",
      of: () => ({ kind: "MEMBERS", members: field }),
      words: fields,
      what: "a field of the model",
    },
  };
  const rules: MembersShape = { kind: "MEMBERS", members };
  return { kind: "FUNCTION_OR", other: { kind: "FLAG_OR", other: rules } };
}

const ACTIONS = {
  READ: "read",
  CREATE: "create",
  UPDATE: "update",
  DELETE: "delete",
} as const satisfies Record<AccessAction, keyof AccessRules>;
const FIELD_ACTIONS = { READ: "read", WRITE: "write" } as const satisfies Record<
  FieldAction,
  keyof FieldRules
>;

/**
 * What the models' rules allow.
 * @param optionOf the option `access` of a model
 * @param defaultRule for actions without a rule of their own
 */
export function createAccess(
  optionOf: (model: string) => AccessOption | undefined,
  defaultRule: AccessRule = true,
): Access {
  const ask = (model: string, viewer: Viewer, action: AccessAction): WhereFilter | undefined => {
    const option = optionOf(model);
    const rule = typeof option === "object" ? option[ACTIONS[action]] : option;
    return answerOf(rule ?? defaultRule, viewer);
  };
  return {
    isAllowed: (model, viewer, action) =>
      ask(model, viewer, action) !== NOTHING &&
      (!needsReading(action) || ask(model, viewer, "READ") !== NOTHING),
    scope(model, viewer, action) {
      const own = ask(model, viewer, action);
      const read = needsReading(action) ? ask(model, viewer, "READ") : undefined;
      return own === NOTHING || read === NOTHING ? NOTHING : isSame(own, read) ? own : andFilters(read, own);
    },
    isFieldAllowed(model, field, viewer, action) {
      const option = optionOf(model);
      const rules: FieldRulesMap | undefined = typeof option === "object" ? option.fields : undefined;
      const rule = rules?.[field]?.[FIELD_ACTIONS[action]] ?? true;
      const answer: unknown = typeof rule === "function" ? rule({ viewer: fullViewer(viewer) }) : rule;
      return answer === true;
    },
  };
}

function needsReading(action: AccessAction): boolean {
  return action === "UPDATE" || action === "DELETE";
}

/** Anything but true and a filter means no: a rule that forgets to answer lets nobody in. */
function answerOf(rule: AccessRule, viewer: Viewer): WhereFilter | undefined {
  const answer: Json | undefined = typeof rule === "function" ? rule({ viewer: fullViewer(viewer) }) : rule;
  if (answer === true) {
    return undefined;
  }
  return typeof answer === "object" && answer !== null && !Array.isArray(answer) ? answer : NOTHING;
}

/** Most models have one rule for reading and changing; the database need not check it twice. */
function isSame(one: WhereFilter | undefined, other: WhereFilter | undefined): boolean {
  return (
    one === other ||
    (one !== undefined && other !== undefined && JSON.stringify(one) === JSON.stringify(other))
  );
}
