import type { WhereFilter } from "../../core/access/access.ts";
import { andFilters } from "../../core/access/access.ts";
import { keysFilter } from "../../core/filters/keys-filter.ts";
import { filterKey } from "../../core/filters/operators.ts";
import { fromColumnText } from "../../core/records/column-text.ts";
import type { ListedRecord, ListPages } from "../../core/records/list-pages.ts";
import type { Model, ModelRegistry } from "../../core/records/model.ts";
import { formatRecordKey } from "../../core/records/record-key.ts";
import type {
  LoadedList,
  LoadedRecord,
  RecordLists,
  SelectedList,
  SelectedPage,
  Selection,
} from "../../core/records/record-lists.ts";
import type { RecordReader } from "../../core/records/record-reader.ts";
import { filterToPrisma } from "./filter-to-prisma.ts";
import type { Unread } from "./plan-prisma-select.ts";
import { isPlain, partToPrisma, planPageRows, planSelect } from "./plan-prisma-select.ts";
import type { PrismaTransaction } from "./prisma-client-port.ts";
import { delegateOf } from "./prisma-client-port.ts";
import { translatePrismaError } from "./prisma-unavailable.ts";

interface RecordListsPorts {
  readonly client: PrismaTransaction;
  readonly models: ModelRegistry;
  /** Finds the records of pages that the client cannot cut. */
  readonly pages: ListPages;
  /** Checks single related records against their filter, which the client applies to lists only. */
  readonly reader: RecordReader;
}

/** Keys that one statement reads; each has a few parameters. */
const MAX_KEYS = 5_000;

/** Reads lists by Prisma's client, which cuts the pages of related records in memory: it reads all of them. */
export function createPrismaRecordLists(ports: RecordListsPorts): RecordLists {
  const prepare: RecordLists["prepare"] = (name, { page: asked, count }) => {
    const model = ports.models.get(name);
    return async (key = []) => {
      const page = asked && withKey(asked, key);
      try {
        const total =
          count === undefined
            ? 0
            : await delegateOf(ports.client, name).count({
                where: filterToPrisma(ports.models, model, count.where),
              });
        const read =
          page === undefined
            ? { part: undefined, records: [], places: [] }
            : await readPage(ports, model, page);
        return { ...read, total };
      } catch (error) {
        throw translatePrismaError(error);
      }
    };
  };
  return { prepare, read: (name, reading) => prepare(name, reading)() };
}

/** The page of the record with the key. */
function withKey(page: SelectedPage, texts: readonly string[]): SelectedPage {
  const values = (page.key ?? []).map((field, at) => [
    filterKey(field),
    { equals: fromColumnText(field, texts[at] ?? null) },
  ]);
  const where = andFilters(Object.fromEntries(values) as WhereFilter, page.part.where);
  return { ...page, part: { ...page.part, where } };
}

async function readPage(
  ports: RecordListsPorts,
  model: Model,
  page: SelectedPage,
): Promise<Omit<LoadedList, "total">> {
  if (!isPlain(model, page.part)) {
    const listed = await ports.pages.read(model.name, page.part);
    return toList(page, listed, await readListed(ports, model, page, listed));
  }
  const later = createLater(ports);
  const plan = planPageRows(ports.models, model, page, later.unread);
  const args = partToPrisma(ports.models, model, page.part);
  const delegate = delegateOf(ports.client, model.name);
  const rows = await Promise.all(plan.selects.map((select) => delegate.findMany({ ...args, select })));
  const read = plan.toPage(rows);
  await later.finish();
  return read;
}

/** The listed records, by id, as far as they still match. */
async function readListed(
  ports: RecordListsPorts,
  model: Model,
  {
    part,
    selection,
  }: { readonly part: { readonly where: WhereFilter | undefined }; readonly selection: Selection },
  listed: readonly ListedRecord[],
): Promise<ReadonlyMap<string, LoadedRecord>> {
  const later = createLater(ports);
  const plan = planSelect(ports.models, model, selection, later.unread);
  const delegate = delegateOf(ports.client, model.name);
  const ids = [...new Set(listed.map(({ id }) => id))];
  const found = new Map<string, LoadedRecord>();
  for (let at = 0; at < ids.length; at += MAX_KEYS) {
    const keys = keysFilter(model, ids.slice(at, at + MAX_KEYS));
    const where = filterToPrisma(ports.models, model, andFilters(keys, part.where));
    const orderBy = model.key.map((field) => ({ [field.name]: "asc" }));
    const rows = await Promise.all(
      plan.selects.map((select) => delegate.findMany({ select, where, orderBy })),
    );
    rows[0]?.forEach((row, place) =>
      found.set(formatRecordKey(model, row), plan.toRecord(rows.map((each) => each[place]))),
    );
  }
  await later.finish();
  return found;
}

function toList(
  { part, hasPlaces }: SelectedPage,
  listed: readonly ListedRecord[],
  records: ReadonlyMap<string, LoadedRecord>,
): Omit<LoadedList, "total"> {
  const found = listed.flatMap(({ id, place }) => {
    const record = records.get(id);
    return record === undefined ? [] : [{ record, place }];
  });
  return {
    part,
    records: found.map(({ record }) => record),
    places: hasPlaces ? found.map(({ place }) => place) : [],
  };
}

interface Later {
  readonly unread: Unread;
  finish(): Promise<void>;
}

/** Collects what can be read only when the records are there; then reads it, one look-up for each relation. */
function createLater(ports: RecordListsPorts): Later {
  const checks = new Map<WhereFilter, { target: Model; hides: Map<string, (() => void)[]> }>();
  const lists = new Map<
    SelectedPage,
    { model: Model; list: SelectedList; fills: Map<string, (list: LoadedList) => void> }
  >();
  return {
    unread: {
      checkOne(target, where, id, hide) {
        const check = checks.get(where) ?? { target, hides: new Map<string, (() => void)[]>() };
        checks.set(where, check);
        check.hides.set(id, [...(check.hides.get(id) ?? []), hide]);
      },
      readList(model, list, id, fill) {
        const wanted = lists.get(list.page) ?? {
          model,
          list,
          fills: new Map<string, (list: LoadedList) => void>(),
        };
        lists.set(list.page, wanted);
        const known = wanted.fills.get(id);
        wanted.fills.set(id, (read) => {
          known?.(read);
          fill(read);
        });
      },
    },
    async finish() {
      for (const [page, { model, list, fills }] of lists) {
        const target = ports.models.get(list.field.type);
        const found = await ports.pages.readRelated(
          model.name,
          list.field.name,
          [...fills.keys()],
          page.part,
        );
        const records = await readListed(ports, target, page, [...found.values()].flat());
        fills.forEach((fill, id) => fill({ ...toList(page, found.get(id) ?? [], records), total: 0 }));
      }
      for (const [where, { target, hides }] of checks) {
        const visible = new Set(await ports.reader.existingIds(target.name, [...hides.keys()], where));
        hides.forEach((each, id) => visible.has(id) || each.forEach((hide) => hide()));
      }
    },
  };
}
