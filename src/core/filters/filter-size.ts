import type { RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import type { Operator } from "./operators.ts";
import { isLogic, LIST_OPERATORS, RELATION_OPERATORS, VALUE_OPERATORS } from "./operators.ts";

/**
 * The largest filter that is accepted. The database takes 32,767 parameters in a statement, and translating a filter
 * takes time for each condition and stack for each level.
 */
export const FILTER_LIMITS = Object.freeze({
  /** Conditions in all: `{population: {gt: 1, lt: 9}}` has two, and a filter without any counts as one. */
  conditions: 1_000,
  /** Values in all lists together. */
  values: 10_000,
  /** Filters within filters: those of AND, OR, NOT, and of related records. */
  depth: 20,
  /** Characters of one text. */
  length: 10_000,
});

type Members = Readonly<Record<string, unknown>>;

/** A filter that is not measured yet. */
interface Open {
  readonly filter: Members;
  readonly depth: number;
}

interface FilterSize {
  conditions: number;
  values: number;
  depth: number;
  length: number;
}

/** Whether a list of this name in an input belongs to a filter. */
export function isFilterList(name: string): boolean {
  const operators: Readonly<Record<string, Operator>> = { ...VALUE_OPERATORS, ...LIST_OPERATORS };
  return isLogic(name) || operators[name]?.operand === "VALUES";
}

/**
 * What is wrong with a filter that is larger than {@link FILTER_LIMITS}; undefined for any other. Takes anything, checked
 * or not, of any depth.
 * @param path the filter's name in the problem
 */
export function filterSizeProblem(where: object, path: string): RecordProblem | undefined {
  const size = measureFilter(where as Members);
  const excesses = [
    describeExcess(size.conditions, FILTER_LIMITS.conditions, "conditions"),
    describeExcess(size.values, FILTER_LIMITS.values, "values in its lists"),
    describeExcess(size.depth, FILTER_LIMITS.depth, "levels of filters within filters"),
    describeExcess(size.length, FILTER_LIMITS.length, "characters in one of its texts"),
  ].filter((text) => text !== undefined);
  return excesses.length === 0
    ? undefined
    : problem(`${path} is too large: it has ${excesses.join(", and ")}.`, path);
}

function describeExcess(found: number, allowed: number, what: string): string | undefined {
  return found > allowed ? `${found} ${what}, where at most ${allowed} are allowed` : undefined;
}

/** Without recursion: a filter may be nested deeper than the stack. */
function measureFilter(where: Members): FilterSize {
  const size = { conditions: 0, values: 0, depth: 0, length: 0 };
  const open: Open[] = [{ filter: where, depth: 1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { filter, depth } = next;
    size.depth = Math.max(size.depth, depth);
    const before = size.conditions + open.length;
    for (const [name, value] of Object.entries(filter)) {
      if (isLogic(name)) {
        openAll(open, Array.isArray(value) ? value : [value], depth + 1);
      } else {
        measureField(size, open, value, depth);
      }
    }
    if (size.conditions + open.length === before) {
      size.conditions += 1;
    }
  }
  return size;
}

function measureField(size: FilterSize, open: Open[], operators: unknown, depth: number): void {
  for (const [operator, operand] of Object.entries((operators ?? {}) as Members)) {
    if (Object.hasOwn(RELATION_OPERATORS, operator) && operand != null) {
      openAll(open, [operand], depth + 1);
    } else {
      size.conditions += 1;
      const operands: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
      size.values += Array.isArray(operand) ? operand.length : 0;
      for (const one of operands) {
        size.length = Math.max(size.length, typeof one === "string" ? one.length : 0);
      }
    }
  }
}

function openAll(open: Open[], filters: readonly unknown[], depth: number): void {
  for (const filter of filters) {
    if (typeof filter === "object" && filter !== null) {
      open.push({ filter: filter as Members, depth });
    }
  }
}
