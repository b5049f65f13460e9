import type { WhereFilter } from "../../core/access/access.ts";
import { andFilters } from "../../core/access/access.ts";
import type { ListPart } from "../../core/records/list-pages.ts";
import type { Model, ModelRegistry, RelationField } from "../../core/records/model.ts";
import { columnsOf, hasIds } from "../../core/records/model.ts";
import { formatRecordKey } from "../../core/records/record-key.ts";
import type {
  LoadedList,
  LoadedRecord,
  SelectedList,
  SelectedOne,
  SelectedPage,
  Selection,
} from "../../core/records/record-lists.ts";
import { AppError } from "../../kernel/app-error.ts";
import { filterToPrisma } from "./filter-to-prisma.ts";
import { betweenFilter } from "./keyset-filter.ts";
import { isExact, isOrderedByPrisma, orderSelect, placeOf, toPrismaOrder } from "./prisma-order.ts";

/** A record as the client read it. */
type Row = Readonly<Record<string, unknown>>;

/** The `select`s that read a selection, and how their rows become its record. */
export interface PrismaPlan {
  /** A `select` can have a relation once only, so there are several where a selection has it several times. */
  readonly selects: readonly Record<string, unknown>[];
  /** @param rows the same record's row of each `select` */
  toRecord(rows: readonly (Row | undefined)[]): LoadedRecord;
}

/** What is read when the records are there. */
export interface Unread {
  /** A related record that is hidden unless it matches. */
  checkOne(target: Model, where: WhereFilter, id: string, hide: () => void): void;
  /** A list that the client cannot read along with its records. */
  readList(
    model: Model,
    list: SelectedList & { readonly page: SelectedPage },
    id: string,
    fill: (list: LoadedList) => void,
  ): void;
}

/**
 * Whether the client can read the part by itself: it begins at an end of the list, and the client reads the values of the
 * order without loss and can order by them; or the records have no ids. Otherwise `ListPages` finds the part's records.
 */
export function isPlain(model: Model, { terms, after, before }: ListPart): boolean {
  const isClients = terms.every((term) => isExact(term) && isOrderedByPrisma(term));
  return !hasIds(model) || (after === undefined && before === undefined && isClients);
}

/** The client's arguments for a plain part, except `select`. */
export function partToPrisma(models: ModelRegistry, model: Model, part: ListPart): Record<string, unknown> {
  const { terms, where, isBackward, limit } = part;
  // The client reads views in some order only.
  const any = columnsOf(model).find(({ nativeType }) => nativeType !== "json");
  const orderBy =
    terms.length === 0 && any !== undefined ? [{ [any.name]: "asc" }] : toPrismaOrder(terms, isBackward);
  const between = betweenFilter(models.enums(), part);
  return { orderBy, take: limit, where: filterToPrisma(models, model, andFilters(where, between)) };
}

/** Plans a selection. */
export function planSelect(
  models: ModelRegistry,
  model: Model,
  { columns, ones, lists }: Selection,
  unread: Unread,
): PrismaPlan {
  const selects: Record<string, unknown>[] = [{}];
  /** Adds a member to the first `select` that does not have it. @returns the number of that `select` */
  const add = (name: string, value: unknown, isCount = false): number => {
    for (let at = 0; ; at += 1) {
      const select = (selects[at] ??= {});
      const level = isCount ? countsOf(select) : select;
      if (level[name] === undefined) {
        level[name] = value;
        return at;
      }
    }
  };
  for (const { name } of [...columns, ...model.key]) {
    (selects[0] as Record<string, unknown>)[name] = true;
  }
  const fills = [
    ...ones.map((one) => planOne(models, one, unread, add)),
    ...lists.map((list) => planList(models, model, list, unread, add)),
  ];
  return {
    selects,
    toRecord(rows) {
      const record: Record<string, unknown> = {};
      for (const { name } of columns) {
        record[name] = rows[0]?.[name];
      }
      fills.forEach((fill) => fill(record, rows));
      return record;
    },
  };
}

type Add = (name: string, value: unknown, isCount?: boolean) => number;
type Fill = (record: Record<string, unknown>, rows: readonly (Row | undefined)[]) => void;

function countsOf(select: Record<string, unknown>): Record<string, unknown> {
  const count = (select["_count"] ??= { select: {} }) as { select: Record<string, unknown> };
  return count.select;
}

function planOne(
  models: ModelRegistry,
  { field, where, selection }: SelectedOne,
  unread: Unread,
  add: Add,
): Fill {
  const target = models.get(field.type);
  const plan = planSelect(models, target, selection, unread);
  const places = plan.selects.map((select) => add(field.name, { select }));
  return (record, rows) => {
    const related = places.map((at) => rows[at]?.[field.name] as Row | null | undefined);
    const [first] = related;
    record[field.name] =
      first === null || first === undefined ? null : plan.toRecord(related.map((row) => row ?? undefined));
    if (first && where !== undefined) {
      unread.checkOne(target, where, formatRecordKey(target, first), () => (record[field.name] = null));
    }
  };
}

function planList(models: ModelRegistry, model: Model, list: SelectedList, unread: Unread, add: Add): Fill {
  const { field, name, page, count, figures } = list;
  if (figures !== undefined) {
    const message = `POWERCRUD_READER=prisma cannot read figures over ${field.apiName} along with each record. Ask for them at the root, or leave the setting out.`;
    throw new AppError("VALIDATION_FAILED", message, { details: { field: field.apiName } });
  }
  const target = models.get(field.type);
  const countAt =
    count &&
    add(
      field.name,
      count.where === undefined ? true : { where: filterToPrisma(models, target, count.where) },
      true,
    );
  const totalOf = (rows: readonly (Row | undefined)[]): number =>
    countAt === undefined
      ? 0
      : ((rows[countAt]?.["_count"] as Readonly<Record<string, number>> | undefined)?.[field.name] ?? 0);
  const readPage = page && planPage(models, target, field, page, unread, add);
  return (record, rows) => {
    const total = totalOf(rows);
    if (readPage !== undefined) {
      record[name] = { ...readPage(rows), total };
    } else {
      record[name] = { part: page?.part, records: [], places: [], total };
    }
    if (page !== undefined && readPage === undefined) {
      const id = formatRecordKey(model, rows[0] ?? {});
      unread.readList(model, { ...list, page }, id, (read) => (record[name] = { ...read, total }));
    }
  };
}

/** Undefined for a page that the client cannot read along with its record. */
function planPage(
  models: ModelRegistry,
  target: Model,
  field: RelationField,
  page: SelectedPage,
  unread: Unread,
  add: Add,
): ((rows: readonly (Row | undefined)[]) => Omit<LoadedList, "total">) | undefined {
  if (!isPlain(target, page.part)) {
    return undefined;
  }
  const args = partToPrisma(models, target, page.part);
  const plan = planPageRows(models, target, page, unread);
  const places = plan.selects.map((select) => add(field.name, { ...args, select }));
  return (rows) => {
    const related = places.map((at) => (rows[at]?.[field.name] ?? []) as readonly Row[]);
    return plan.toPage(related);
  };
}

/** Plans the rows of a page, with their places. */
export function planPageRows(
  models: ModelRegistry,
  model: Model,
  { part, hasPlaces, selection }: SelectedPage,
  unread: Unread,
): Pick<PrismaPlan, "selects"> & { toPage(rows: readonly (readonly Row[])[]): Omit<LoadedList, "total"> } {
  const plan = planSelect(models, model, selection, unread);
  const order = hasPlaces && part.terms.length > 0 ? [orderSelect(part.terms)] : [];
  return {
    selects: [...plan.selects, ...order],
    toPage(rows) {
      const ordered = rows.at(-1) ?? [];
      return {
        part,
        records: (rows[0] ?? []).map((_row, at) => plan.toRecord(rows.map((each) => each[at]))),
        places: hasPlaces ? ordered.map((row) => placeOf(part.terms, row)) : [],
      };
    },
  };
}
