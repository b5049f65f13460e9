import { AppError } from "../../kernel/app-error.ts";

/**
 * What one filter may ask. The database takes 32,767 parameters in a statement, and what makes a statement of a filter
 * takes more than its share of time for each condition, and of the stack for each level.
 */
export const FILTER_LIMITS = Object.freeze({
  /** Conditions in all: `{population: {gt: 1, lt: 9}}` has two, and a filter without any counts as one. */
  conditions: 1_000,
  /** Values in all lists together. */
  values: 10_000,
  /** Filters within filters: those of AND, OR, NOT, and of related records. */
  depth: 20,
});

type Members = Readonly<Record<string, unknown>>;

/** A filter that is still to be looked at. */
interface Open {
  readonly filter: Members;
  readonly depth: number;
}

interface FilterSize {
  conditions: number;
  values: number;
  depth: number;
}

const RELATION_OPERATORS: ReadonlySet<string> = new Set(["some", "every", "none", "is", "isNot"]);

/**
 * Refuses a filter that is larger than {@link FILTER_LIMITS}, before anything is made of it.
 * @param where a filter, or what a caller gave for one
 * @param path what it is called in the message
 * @throws AppError VALIDATION_FAILED with the path in its details
 */
export function checkFilterSize(where: object, path: string): void {
  const size = measureFilter(where as Members);
  const wrong = [
    tell(size.conditions, FILTER_LIMITS.conditions, "conditions"),
    tell(size.values, FILTER_LIMITS.values, "values in its lists"),
    tell(size.depth, FILTER_LIMITS.depth, "levels of filters within filters"),
  ].filter((text) => text !== undefined);
  if (wrong.length > 0) {
    throw new AppError("VALIDATION_FAILED", `${path} is too large: it has ${wrong.join(", and ")}.`, {
      details: { field: path },
    });
  }
}

function tell(found: number, allowed: number, what: string): string | undefined {
  return found > allowed ? `${found} ${what}, where at most ${allowed} are allowed` : undefined;
}

/** Without recursion: a filter may be nested deeper than the stack. */
function measureFilter(where: Members): FilterSize {
  const size = { conditions: 0, values: 0, depth: 0 };
  const open: Open[] = [{ filter: where, depth: 1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { filter, depth } = next;
    size.depth = Math.max(size.depth, depth);
    const before = size.conditions + open.length;
    for (const [name, value] of Object.entries(filter)) {
      if (name === "AND" || name === "OR" || name === "NOT") {
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
    if (RELATION_OPERATORS.has(operator) && operand != null) {
      openAll(open, [operand], depth + 1);
    } else {
      size.conditions += 1;
      size.values += Array.isArray(operand) ? operand.length : 0;
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
