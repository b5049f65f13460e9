import type { CrudFilter, DataProvider, HttpError } from "@refinedev/core";
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
import { Refused } from "./service.ts";

/** An error as refine shows it, beside the fields at fault; its `code` is that of the API. */
function httpError(error: unknown): HttpError {
  if (!(error instanceof Refused)) return { message: String(error), statusCode: 500 };
  const { code, message, problems = [], conflicts = [] } = error.refusal;
  const errors: Record<string, string[]> = {};
  for (const { field, message: problem } of problems) (errors[field ?? "form"] ??= []).push(problem);
  return { message, code, statusCode: STATUS[code] ?? 500, errors, conflicts };
}

const INSENSITIVE = { mode: "INSENSITIVE" };
/** refine's operators, as conditions of the API. With an `n` in front they are negated. */
const CONDITIONS: Readonly<Record<string, (value: never) => object>> = {
  eq: (equals) => ({ equals }),
  eqs: (equals) => ({ equals }),
  lt: (lt) => ({ lt }),
  lte: (lte) => ({ lte }),
  gt: (gt) => ({ gt }),
  gte: (gte) => ({ gte }),
  in: (values) => ({ in: values }),
  between: ([gte, lte]: readonly unknown[]) => ({ gte, lte }),
  null: () => ({ isNull: true }),
  contains: (contains) => ({ contains, ...INSENSITIVE }),
  containss: (contains) => ({ contains }),
  startswith: (startsWith) => ({ startsWith, ...INSENSITIVE }),
  startswiths: (startsWith) => ({ startsWith }),
  endswith: (endsWith) => ({ endsWith, ...INSENSITIVE }),
  endswiths: (endsWith) => ({ endsWith }),
};

function conditionOf(filter: CrudFilter): object {
  if (filter.operator === "and" || filter.operator === "or") {
    return { [filter.operator.toUpperCase()]: filter.value.map(conditionOf) };
  }
  const { field, value } = filter as { field: string; value: unknown };
  const operator = filter.operator === "ne" ? "neq" : filter.operator;
  const condition = CONDITIONS[operator] ?? CONDITIONS[operator.slice(1)];
  if (condition === undefined) throw new Error(`the API has no operator ${operator}`);
  return operator in CONDITIONS
    ? { [field]: condition(value as never) }
    : { NOT: { [field]: condition(value as never) } };
}

/** A filter that is cleared has no value, and asks nothing. */
const isSet = ({ operator, value }: CrudFilter) =>
  operator === "null" || operator === "nnull" || (value !== undefined && value !== null && value !== "");

const textOf = String;

/** The types of the records are the caller's to know. @param watch is called with each bulk write's task as it goes on */
export function createDataProvider(watch: Watch = () => {}): DataProvider {
  const provider: DataProvider = {
    getApiUrl: () => "/graphql",
    async getList({ resource, pagination = {}, filters = [], sorters = [] }) {
      const { currentPage = 1, pageSize = 10 } = pagination;
      const { rows, total } = await readPage(resource, modelOf(resource), {
        where: { AND: filters.filter(isSet).map(conditionOf) },
        orderBy: sorters.map(({ field, order }) => ({ [field]: order.toUpperCase() })),
        page: currentPage,
        perPage: pageSize,
      });
      return { data: rows as never, total };
    },
    async getMany({ resource, ids }) {
      return { data: (await readMany(resource, modelOf(resource), ids.map(textOf))) as never };
    },
    async getOne({ resource, id }) {
      const [row] = await readMany(resource, modelOf(resource), [textOf(id)]);
      if (row === undefined)
        throw new Refused({ code: "NOT_FOUND", message: `There is no ${resource} ${id}.` });
      return { data: row as never };
    },
    async create({ resource, variables }) {
      return { data: (await createRecord(modelOf(resource), variables as object)) as never };
    },
    async update({ resource, id, variables }) {
      // A form that was filled from a record has its `updatedAt`: what somebody else wrote meanwhile is not lost.
      const { updatedAt, ...data } = variables as Record<string, unknown>;
      return { data: (await updateRecord(modelOf(resource), textOf(id), data, updatedAt)) as never };
    },
    async updateMany({ resource, ids, variables }) {
      await updateRecords(resource, modelOf(resource), ids.map(textOf), variables as object, watch);
      return { data: ids.map((id) => ({ id, ...variables })) as never };
    },
    async deleteOne({ resource, id }) {
      return { data: (await deleteRecord(modelOf(resource), textOf(id))) as never };
    },
    async deleteMany({ resource, ids }) {
      await deleteRecords(resource, modelOf(resource), ids.map(textOf), watch);
      return { data: ids.map((id) => ({ id })) as never };
    },
  };
  return withErrors(provider);
}

/** Every method, failing with refine's errors. */
function withErrors(provider: DataProvider): DataProvider {
  const entries = Object.entries(provider).map(([name, method]) => [
    name,
    name === "getApiUrl"
      ? method
      : (parameters: never) =>
          (method as (given: never) => Promise<unknown>)(parameters).catch((error) =>
            Promise.reject(httpError(error)),
          ),
  ]);
  return Object.fromEntries(entries);
}
