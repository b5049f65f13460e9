import type { Junctions } from "../../core/filters/fold-filter.ts";
import type { LogicOperator } from "../../core/filters/operators.ts";
import { isLogic } from "../../core/filters/operators.ts";
import type { Field, Model } from "../../core/records/model.ts";
import { columnsOf } from "../../core/records/model.ts";
import { AppError } from "../../kernel/app-error.ts";

/** Prisma's `where`. */
export type PrismaWhere = Readonly<Record<string, unknown>>;

// Prisma ignores an empty OR within an AND, so `combine` replaces the whole AND with it.
const JUNCTIONS: Junctions<PrismaWhere> = {
  nothing: { OR: [] },
  and: (parts) => (parts.length === 1 ? (parts[0] ?? {}) : { AND: parts }),
  or: (parts) => ({ OR: parts }),
  not: (part) => ({ NOT: [part] }),
};

const narrowed = new WeakMap<Model, Junctions<PrismaWhere>>();

/**
 * How Prisma combines conditions on records of the model. Where a field is called AND, OR or NOT, Prisma's client can use
 * that word neither for the field nor for the operator. Filters are then combined in other ways as far as that goes, and
 * the others are refused.
 */
export function junctionsOf(model: Model): Junctions<PrismaWhere> {
  const taken = new Set(model.fields.map(({ name }) => name).filter(isLogic));
  if (taken.size === 0) {
    return JUNCTIONS;
  }
  const known = narrowed.get(model) ?? narrowJunctions(model, taken);
  narrowed.set(model, known);
  return known;
}

function narrowJunctions(model: Model, taken: ReadonlySet<LogicOperator>): Junctions<PrismaWhere> {
  const [column] = model.key.length > 0 ? model.key : columnsOf(model);
  const refuse = (operator: LogicOperator): never =>
    refuseWord(model, operator, `combine conditions with ${operator}`);
  return {
    nothing: { [column?.name ?? ""]: { in: [] } },
    and: (parts) =>
      parts.length === 1 || !taken.has("AND") ? JUNCTIONS.and(parts) : (mergeParts(parts) ?? refuse("AND")),
    or: (parts) => (parts.length === 1 ? (parts[0] ?? {}) : taken.has("OR") ? refuse("OR") : { OR: parts }),
    not: (part) => (taken.has("NOT") ? (negate(part) ?? refuse("NOT")) : JUNCTIONS.not(part)),
  };
}

/** @throws AppError VALIDATION_FAILED for a condition on a field that is called AND, OR or NOT; see junctionsOf */
export function checkFieldWord(model: Model, { name, apiName }: Field): void {
  if (isLogic(name)) {
    refuseWord(model, name, `have conditions on ${apiName}, nor be paged in its order`);
  }
}

function refuseWord(model: Model, operator: LogicOperator, what: string): never {
  throw new AppError(
    "VALIDATION_FAILED",
    `Lists of ${model.apiName} cannot ${what}: the Prisma schema has a field called ${operator}, a word that Prisma's client needs for itself. Bulk operations can.`,
  );
}

/** Conditions on different fields hold together where they stand side by side. */
function mergeParts(parts: readonly PrismaWhere[]): PrismaWhere | undefined {
  const names = parts.flatMap((part) => Object.keys(part));
  return new Set(names).size === names.length ? Object.assign({}, ...parts) : undefined;
}

/** The conditions on relations whose opposite has a name. */
const OPPOSITES: Readonly<Record<string, string>> = { is: "isNot", isNot: "is", some: "none", none: "some" };

/** Conditions that cannot stand under `not`. */
const NOT_UNDER_NOT = new Set(["every", "mode", "path", "has", "hasSome", "hasEvery", "isEmpty"]);

/** The opposite of conditions on one field; undefined if that cannot be said without NOT. */
function negate(part: PrismaWhere): PrismaWhere | undefined {
  const [member, ...others] = Object.entries(part);
  if (member === undefined || others.length > 0 || !isConditions(member[1])) {
    return undefined;
  }
  const [name, conditions] = member;
  const opposite = oppositeOf(conditions);
  return opposite && { [name]: opposite };
}

function oppositeOf(conditions: PrismaWhere): PrismaWhere | undefined {
  const operators = Object.keys(conditions);
  const [operator = ""] = operators;
  const opposite = OPPOSITES[operator];
  if (operators.length === 1 && opposite !== undefined) {
    return { [opposite]: conditions[operator] };
  }
  if (opposite !== undefined || operators.some((one) => NOT_UNDER_NOT.has(one))) {
    return undefined;
  }
  return { not: operators.length === 1 && operator === "equals" ? conditions[operator] : conditions };
}

function isConditions(value: unknown): value is PrismaWhere {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
