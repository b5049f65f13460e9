import type { WhereFilter } from "../../core/access/access.ts";
import { foldFilter } from "../../core/filters/fold-filter.ts";
import { isLogic } from "../../core/filters/operators.ts";
import { parseFilter } from "../../core/filters/parse-filter.ts";
import type { Aggregate, GroupKey } from "../../core/records/aggregates.ts";
import { aggregatesOf, figuresModel, groupKeysOf } from "../../core/records/aggregates.ts";
import type { ColumnField, Model, ModelRegistry } from "../../core/records/model.ts";
import type { OrderTerm } from "../../core/records/list-pages.ts";
import type { GroupReading } from "../../core/records/record-groups.ts";
import { AppError } from "../../kernel/app-error.ts";
import { decodeCursor } from "../pagination/cursor.ts";
import { directionOf, MAX_TERMS } from "../../core/filters/order-terms.ts";
import type { PageArgs } from "../pagination/page.ts";
import { parsePageRequest } from "../pagination/page.ts";

/** The most keys of a group. */
const MAX_KEYS = 10;

type Input = Readonly<Record<string, unknown>>;

/**
 * The groups that the arguments ask for.
 * @throws AppError VALIDATION_FAILED
 */
export function parseGroups(
  models: ModelRegistry,
  model: Model,
  args: Input,
): Omit<GroupReading, "where" | "aggregates"> {
  const keys = parseKeys(model, args["by"] as readonly string[]);
  const timeZone = parseTimeZone((args["timeZone"] ?? "UTC") as string);
  const orders = (args["orderBy"] ?? []) as readonly Input[];
  if (orders.length > MAX_TERMS) {
    throw invalid("orderBy", `orderBy may have at most ${MAX_TERMS} elements; there are ${orders.length}.`);
  }
  const terms = orderTerms(model, keys, orders, timeZone);
  const { size, after } = parsePageRequest({ first: args["first"], after: args["after"] } as PageArgs);
  return {
    keys,
    having: parseHaving(models, model, args["having"]),
    terms,
    after: after === undefined ? undefined : decodeCursor(terms, "after", after),
    limit: size,
    timeZone,
  };
}

/** The columns by which the groups are made, chosen and ordered. */
export function columnsOfGroups(
  models: ModelRegistry,
  model: Model,
  { keys, having, terms }: Pick<GroupReading, "keys" | "having" | "terms">,
): readonly ColumnField[] {
  const named = [...aggregatesOf(model), ...keys];
  const columns = new Map(named.map(({ field, column }) => [field.name, column]));
  const names = terms.map(({ column }) => column.name);
  const asked =
    having === undefined
      ? []
      : foldFilter<readonly string[]>(models, figuresModel(model), having, {
          filter: (members) => members.flat(),
          logic: (_operator, parts) => parts.flat(),
          search: () => [],
          column: ({ name }) => [name],
          relation: () => [],
        });
  return [
    ...keys.map(({ column }) => column),
    ...[...names, ...asked].map((name) => columns.get(name)),
  ].filter((column) => column !== undefined);
}

/** The order that is asked for, and behind it the other keys. */
function orderTerms(
  model: Model,
  keys: readonly GroupKey[],
  orders: readonly Input[],
  timeZone: string,
): readonly OrderTerm[] {
  if (orders.length > MAX_TERMS) {
    throw invalid("orderBy", `orderBy may have at most ${MAX_TERMS} elements; there are ${orders.length}.`);
  }
  const asked = orders.map((input) => parseOrder(model, keys, input));
  const ties = keys.map((by): GroupOrder => ({ by, ...directionOf("ASC") }));
  const terms = new Map<string, OrderTerm>();
  for (const { by, isDescending, areNullsFirst } of [...asked, ...ties]) {
    const { field } = by;
    // A cursor is for the time zone that its periods begin in.
    const isPeriod = "period" in by && by.period !== undefined;
    const column = isPeriod ? { ...field, apiName: `${field.apiName} in ${timeZone}` } : field;
    if (!terms.has(field.name)) {
      terms.set(field.name, { relations: [], column, isDescending, areNullsFirst });
    }
  }
  return [...terms.values()];
}

/** One criterion of an order of groups. */
interface GroupOrder extends Pick<OrderTerm, "isDescending" | "areNullsFirst"> {
  readonly by: GroupKey | Aggregate;
}

function parseKeys(model: Model, by: readonly string[]): readonly GroupKey[] {
  const names = new Set(by);
  if (names.size === 0 || names.size > MAX_KEYS) {
    throw invalid("by", `by must name 1 to ${MAX_KEYS} keys, not ${names.size}.`);
  }
  const known = new Map(groupKeysOf(model).map((key) => [key.field.apiName, key]));
  return [...names].flatMap((name) => known.get(name) ?? []);
}

function parseTimeZone(name: string): string {
  try {
    // PostgreSQL reads offsets such as +02:00 the other way round.
    if (/^[A-Za-z]/.test(name)) {
      return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
    }
  } catch {
    // Said below.
  }
  throw invalid("timeZone", `timeZone: "${name}" is not the IANA name of a time zone, such as Europe/Paris.`);
}

function parseHaving(models: ModelRegistry, model: Model, having: unknown): WhereFilter | undefined {
  if (having === undefined || having === null) {
    return undefined;
  }
  const parsed = parseFilter(models, figuresModel(model), flatten(having as Input, "having"), "having");
  if ("value" in parsed) {
    return parsed.value;
  }
  const [first] = parsed.problems;
  throw invalid(first?.field ?? "having", parsed.problems.map(({ message }) => message).join(" "));
}

/** `{sum: {population: …}}` → `{"sum.population": …}` */
function flatten(having: Input, path: string): Input {
  return Object.fromEntries(
    Object.entries(having).flatMap(([name, value]): readonly (readonly [string, unknown])[] => {
      if (value === null || value === undefined || name === "count") {
        return [[name, value]];
      }
      if (isLogic(name)) {
        const inner = Array.isArray(value)
          ? value.map((part, at) => flatten(part as Input, `${path}.${name}[${at}]`))
          : flatten(value as Input, `${path}.${name}`);
        return [[name, inner]];
      }
      const columns = Object.entries(value as Input).filter(([, operators]) => operators !== undefined);
      if (columns.length === 0) {
        throw invalid(
          `${path}.${name}`,
          `${path}.${name} names no column. Leave it out, or give it a condition.`,
        );
      }
      return columns.map(([column, operators]) => [`${name}.${column}`, operators] as const);
    }),
  );
}

function parseOrder(model: Model, keys: readonly GroupKey[], input: Input): GroupOrder {
  const [name, value] = onlyMember(input);
  if (name === "key") {
    const [key, direction] = onlyMember(value as Input);
    const by = keys.find(({ field }) => field.apiName === key);
    if (by === undefined) {
      throw invalid("orderBy", `orderBy: groups can be sorted by ${key} only if it is in by.`);
    }
    return { by, ...directionOf(direction as string) };
  }
  const [figure, direction] = name === "count" ? [name, value] : figureOf(name, value as Input);
  const by = aggregatesOf(model).find(({ field }) => field.apiName === figure);
  if (by === undefined) {
    throw invalid("orderBy", `orderBy: ${model.apiName} has no figure ${figure}.`);
  }
  return { by, ...directionOf(direction as string) };
}

function figureOf(operation: string, input: Input): readonly [string, unknown] {
  const [column, direction] = onlyMember(input);
  return [`${operation}.${column}`, direction];
}

function onlyMember(input: Input): readonly [string, unknown] {
  const members = Object.entries(input ?? {}).filter(([, value]) => value !== undefined && value !== null);
  const [member] = members;
  if (member === undefined || members.length > 1) {
    throw invalid(
      "orderBy",
      "Each element of orderBy names exactly one key or figure, such as {count: DESC}.",
    );
  }
  return member;
}

function invalid(field: string, message: string): AppError {
  return new AppError("VALIDATION_FAILED", message, { details: { field } });
}
