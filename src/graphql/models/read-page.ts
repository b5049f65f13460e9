import type { GraphQLResolveInfo } from "graphql";
import { createContextCache } from "@pothos/core";
import type { WhereFilter } from "../../core/access/access.ts";
import { andFilters } from "../../core/access/access.ts";
import type { ListedRecord, ListPart } from "../../core/records/list-pages.ts";
import type { Model, RelationField } from "../../core/records/model.ts";
import { formatRecordKey } from "../../core/records/record-key.ts";
import type { BatchLoader } from "../batch-loader.ts";
import { createBatchLoader } from "../batch-loader.ts";
import type { GraphQLContext } from "../builder.ts";
import type { ListQuery } from "../pagination/list-query.ts";
import { isPlainList, toPrismaList } from "../pagination/list-query.ts";
import type { LoadedRecord, Page } from "../pagination/page.ts";
import { cutPage, toPage } from "../pagination/page.ts";
import type { ParsedList } from "./list-arguments.ts";
import type { ModelPorts } from "./model-schema.ts";
import type { PlannedSelect } from "./pothos-dynamic.ts";
import { CONNECTION_PATHS, plannedSelect } from "./pothos-dynamic.ts";
import { keysFilter, baseSelect } from "./record-keys.ts";

/** Keys that one statement reads; each has a few parameters. */
const MAX_KEYS = 5_000;

/** Adds what the document selects of the records to a `select`. */
type PlanSelect = (select: PlannedSelect) => PlannedSelect;

/**
 * Reads a page of a model's list. The client reads it where it can; otherwise `ListPages` finds its records, and
 * the client reads those.
 */
export async function readPage(
  ports: ModelPorts,
  model: Model,
  { query, filter }: ParsedList,
  plan: PlanSelect,
): Promise<Page> {
  if (isPlainList(query)) {
    const list = toPrismaList(query);
    const rows = await ports.source(model.name).findMany({
      ...list,
      select: plan({ ...baseSelect(model), ...list.select }),
      where: ports.toClientWhere(model, andFilters(filter, query.between)),
    });
    return toPage(query, rows);
  }
  const listed = await ports.pages.read(model.name, listPart(query, filter));
  const shown = listed.slice(0, query.request.size);
  const records = await readListed(ports, model, { listed: shown, filter, plan });
  return toListedPage(query, listed, records);
}

/** Reads the page of related records that a record has, under its id. */
export type RelatedPages = (
  context: GraphQLContext,
  info: GraphQLResolveInfo,
  list: ParsedList,
  id: string,
) => Promise<Page>;

/** Reads the pages that the client cannot read along with their records: one look-up for all records of a field. */
export function createRelatedPages(
  ports: ModelPorts,
  model: Model,
  field: RelationField,
  target: Model,
): RelatedPages {
  // By the field's path in the document, where arguments and selection are the same for every record.
  const loaders = createContextCache((_context: GraphQLContext) => new Map<string, BatchLoader<Page>>());
  return async (context, info, { query, filter }, id) => {
    const path = pathOf(info);
    const known = loaders(context).get(path);
    const loader =
      known ??
      createBatchLoader(async (_context, ids) => {
        const lists = await ports.pages.readRelated(model.name, field.name, ids, listPart(query, filter));
        const plan: PlanSelect = (select) =>
          plannedSelect(context, info, { typeName: target.apiName, select, paths: CONNECTION_PATHS });
        const listed = [...lists.values()].flatMap((list) => list.slice(0, query.request.size));
        const records = await readListed(ports, target, { listed, filter, plan });
        return new Map(ids.map((each) => [each, toListedPage(query, lists.get(each) ?? [], records)]));
      });
    loaders(context).set(path, loader);
    const page = await loader(context, id);
    return page ?? cutPage(query, []);
  };
}

/** The names on the way to the field. */
function pathOf({ path }: GraphQLResolveInfo): string {
  const names: string[] = [];
  for (let at: GraphQLResolveInfo["path"] | undefined = path; at !== undefined; at = at.prev) {
    if (typeof at.key === "string") {
      names.push(at.key);
    }
  }
  return names.join(".");
}

function listPart({ terms, request, after, before }: ListQuery, where: WhereFilter | undefined): ListPart {
  return { terms, where, after, before, isBackward: request.isBackward, limit: request.size + 1 };
}

/** The listed records, by id, as far as they still match. */
async function readListed(
  ports: ModelPorts,
  model: Model,
  options: {
    readonly listed: readonly ListedRecord[];
    readonly filter: WhereFilter | undefined;
    readonly plan: PlanSelect;
  },
): Promise<ReadonlyMap<string, LoadedRecord>> {
  const { listed, filter, plan } = options;
  const ids = [...new Set(listed.map(({ id }) => id))];
  const select = plan(baseSelect(model));
  const found = new Map<string, LoadedRecord>();
  for (let at = 0; at < ids.length; at += MAX_KEYS) {
    const keys = keysFilter(model, ids.slice(at, at + MAX_KEYS));
    const where = ports.toClientWhere(model, andFilters(keys, filter));
    const rows = await ports.source(model.name).findMany({ select, where });
    rows.forEach((row) => found.set(formatRecordKey(model, row), row));
  }
  return found;
}

function toListedPage(
  query: ListQuery,
  listed: readonly ListedRecord[],
  records: ReadonlyMap<string, LoadedRecord>,
): Page {
  return cutPage(
    query,
    listed.map(({ id, place }) => ({ record: records.get(id), place: () => place })),
  );
}
