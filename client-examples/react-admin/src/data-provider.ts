import type { DataProvider, SortPayload } from "ra-core";
import { HttpError } from "ra-core";
import { modelOf } from "./models.ts";
import {
  createRecord,
  deleteRecord,
  deleteRecords,
  readMany,
  readPage,
  STATUS,
  updateRecord,
  updateRecords,
} from "./records.ts";
import type { Watch } from "./records.ts";
import { Refused, request, TASK } from "./service.ts";
import type { Task } from "./service.ts";

/** An error as react-admin shows it, beside the fields at fault; `body.code` is that of the API. */
function httpError(error: unknown): unknown {
  if (!(error instanceof Refused)) return error;
  const { code, message, problems = [], conflicts = [] } = error.refusal;
  const fields = problems.map(({ field, message: problem }) => [field ?? "root", problem]);
  const errors = { root: { serverError: message }, ...Object.fromEntries(fields) };
  return new HttpError(message, STATUS[code] ?? 500, { code, conflicts, errors });
}

/** `{ countryCode: "FR", population: { gte: 1000 }, id: ["1", "2"], q: "par" }`: values, conditions of the API, lists, words. */
function listOf(filter: object | undefined, { field, order }: SortPayload = { field: "id", order: "ASC" }) {
  const { q, ...fields }: Record<string, unknown> = { ...filter };
  const conditions = Object.entries(fields).map(([name, value]) => {
    if (Array.isArray(value)) return { [name]: { in: value } };
    return { [name]: typeof value === "object" && value !== null ? value : { equals: value } };
  });
  return {
    where: { AND: conditions },
    orderBy: [{ [field]: order }],
    ...(typeof q === "string" && q !== "" ? { search: q } : {}),
  };
}

/** The values of a form that differ from those that it began with: nothing else is written. */
function changes(data: Record<string, unknown>, before: Record<string, unknown> = {}) {
  return Object.fromEntries(Object.entries(data).filter(([name, value]) => value !== before[name]));
}

/** A lock as react-admin's own realtime package has it. `identity` is the task that holds the record. */
export interface Lock {
  readonly resource: string;
  readonly recordId: string;
  readonly identity: string;
  readonly task: Task;
}

/** The locks of some records; those that are free have none. */
async function getLocks(resource: string, { ids }: { ids: readonly unknown[] }): Promise<{ data: Lock[] }> {
  const { recordLocks } = await request<{ recordLocks: { recordId: string; heldBy: Task }[] }>(
    `query ($model: ModelName!, $ids: [ID!]!) {
      recordLocks(model: $model, ids: $ids) { recordId heldBy { ${TASK} } }
    }`,
    { model: modelOf(resource).name, ids },
  );
  const data = recordLocks.map(({ recordId, heldBy }) => {
    return { resource, recordId, identity: heldBy.id, task: heldBy };
  });
  return { data };
}

/** The types of the records are the caller's to know. @param watch is called with each bulk write's task as it goes on */
export function createDataProvider(watch: Watch = () => {}): DataProvider {
  const getList: DataProvider["getList"] = async (resource, { pagination, sort, filter }) => {
    const { page, perPage } = pagination ?? { page: 1, perPage: 25 };
    const { rows, total } = await readPage(resource, modelOf(resource), {
      ...listOf(filter, sort),
      page,
      perPage,
    });
    return { data: rows as never, total };
  };
  return withErrors({
    getList,
    /** The target is a field of the model: `countryCode`. */
    getManyReference: (resource, { target, id, filter, ...page }) =>
      getList(resource, { ...page, filter: { ...filter, [target]: id } }),
    async getMany(resource, { ids }) {
      return { data: (await readMany(resource, modelOf(resource), ids.map(String))) as never };
    },
    async getOne(resource, { id }) {
      const [row] = await readMany(resource, modelOf(resource), [String(id)]);
      if (row === undefined)
        throw new Refused({ code: "NOT_FOUND", message: `There is no ${resource} ${id}.` });
      return { data: row as never };
    },
    async create(resource, { data }) {
      return { data: (await createRecord(modelOf(resource), data)) as never };
    },
    async update(resource, { id, data, previousData }) {
      // What somebody else wrote since the form was opened is not lost: the API compares the time.
      const changed = changes(data, previousData);
      return {
        data: (await updateRecord(modelOf(resource), String(id), changed, previousData?.updatedAt)) as never,
      };
    },
    async updateMany(resource, { ids, data }) {
      await updateRecords(resource, modelOf(resource), ids.map(String), data, watch);
      return { data: ids };
    },
    async delete(resource, { id }) {
      return { data: (await deleteRecord(modelOf(resource), String(id))) as never };
    },
    async deleteMany(resource, { ids }) {
      await deleteRecords(resource, modelOf(resource), ids.map(String), watch);
      return { data: ids };
    },
    getLocks,
    getLock: async (resource: string, { id }: { id: unknown }) => {
      return { data: (await getLocks(resource, { ids: [id] })).data[0] ?? null };
    },
  });
}

/** Every method, failing with react-admin's errors. */
function withErrors(provider: DataProvider): DataProvider {
  const entries = Object.entries(provider).map(([name, method]) => [
    name,
    (...given: unknown[]) =>
      (method as (...given: unknown[]) => Promise<unknown>)(...given).catch((error) =>
        Promise.reject(httpError(error)),
      ),
  ]);
  return Object.fromEntries(entries);
}
