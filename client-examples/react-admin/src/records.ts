// Records of any model: lists by page, single writes, and bulk writes that are followed to their end.
import type { Task } from "./service.ts";
import { FOLLOW, mutate, Refused, REFUSAL, request, subscribe, TASK } from "./service.ts";

/** A model, as the front end shows it. */
export interface Model {
  /** Its name in the API: `City`. */
  readonly name: string;
  /** What is read of a record. With `updatedAt`, an update is refused where somebody else was faster. */
  readonly fields: string;
}

/** A record, with the fields of its model. */
export interface Row {
  readonly id: string;
  readonly [field: string]: unknown;
}

/** A page of a list, in the API's own words. */
export interface Page {
  readonly where?: object;
  readonly search?: string | undefined;
  readonly orderBy?: readonly object[];
  /** From 1. */
  readonly page: number;
  readonly perPage: number;
}

/** Watches bulk writes. */
export type Watch = (task: Task) => void;

/** The status that HTTP has for a code, where frameworks ask for one. Any other: 500. */
export const STATUS: Readonly<Record<string, number>> = {
  VALIDATION_FAILED: 422,
  CONSTRAINT_VIOLATED: 422,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  STALE_RECORD: 409,
};

const MOST = 1000;
/** Of each list, the cursors in front of records, by the number of records before. */
const cursors = new Map<string, Map<number, string>>();

/** Reads a page of a list: `cities`. */
export async function readPage(list: string, model: Model, { page, perPage, ...wanted }: Page) {
  const { name, fields } = model;
  const read = async (first: number, after: string | undefined, nodes: string) => {
    const search = wanted.search === undefined ? "" : "search: $search,";
    const declared = search && "$search: String,";
    const { connection } = await request<{
      connection: { totalCount: number; nodes: Row[]; pageInfo: { endCursor: string | null } };
    }>(
      `query (${declared} $where: ${name}Where, $orderBy: [${name}OrderBy!], $first: Int, $after: String) {
        connection: ${list}(${search} where: $where, orderBy: $orderBy, first: $first, after: $after) {
          ${nodes}
          pageInfo { endCursor }
        }
      }`,
      { ...wanted, first, after },
    );
    return connection;
  };
  const known = cursorsOf(JSON.stringify([list, wanted]), page === 1);
  const start = (page - 1) * perPage;
  // The API's lists go from record to record, not by numbers: walks to the page's beginning from the nearest known place.
  let at = Math.max(0, ...[...known.keys()].filter((count) => count <= start));
  while (at < start) {
    const step = Math.min(MOST, start - at);
    const { pageInfo } = await read(step, known.get(at), "");
    at += step;
    if (pageInfo.endCursor === null) break;
    known.set(at, pageInfo.endCursor);
  }
  const { nodes, totalCount, pageInfo } = await read(
    perPage,
    known.get(at),
    `totalCount nodes { ${fields} }`,
  );
  if (pageInfo.endCursor !== null) known.set(start + nodes.length, pageInfo.endCursor);
  return { rows: nodes, total: totalCount };
}

function cursorsOf(key: string, isNew: boolean): Map<number, string> {
  const known = (!isNew && cursors.get(key)) || new Map<number, string>();
  cursors.delete(key);
  if (cursors.size > 50) cursors.clear();
  cursors.set(key, known);
  return known;
}

/** Reads records by their ids, in the order asked; those that are not there are left out. */
export async function readMany(list: string, { fields }: Model, ids: readonly string[]): Promise<Row[]> {
  const { connection } = await request<{ connection: { nodes: Row[] } }>(
    `query ($ids: [ID!]!) { connection: ${list}(ids: $ids, first: ${MOST}) { nodes { ${fields} } } }`,
    { ids },
  );
  const found = new Map(connection.nodes.map((row) => [row.id, row]));
  return ids.flatMap((id) => found.get(id) ?? []);
}

/** @throws Refused */
export async function createRecord({ name, fields }: Model, data: object): Promise<Row> {
  const { record } = await mutate<{ record: Row }>(
    `mutation ($data: ${name}CreateInput!) {
      result: create${name}(data: $data) {
        ... on Create${name}Payload { record: ${fieldOf(name)} { ${fields} } }
        ${REFUSAL}
      }
    }`,
    { data },
  );
  return record;
}

/** @param readAt the record's `updatedAt` as it was read @throws Refused */
export async function updateRecord(
  { name, fields }: Model,
  id: string,
  data: object,
  readAt?: unknown,
): Promise<Row> {
  const [declared, given] = readAt ? ["$readAt: DateTime,", "expectedUpdatedAt: $readAt,"] : ["", ""];
  const { record } = await mutate<{ record: Row | null }>(
    `mutation (${declared} $id: ID!, $data: ${name}UpdateInput!) {
      result: update${name}(${given} id: $id, data: $data) {
        ... on Update${name}Payload { record: ${fieldOf(name)} { ${fields} } }
        ${REFUSAL}
      }
    }`,
    { id, data, readAt },
  );
  return record ?? { id };
}

/** @returns the record as it was @throws Refused */
export async function deleteRecord({ name, fields }: Model, id: string): Promise<Row> {
  const { record } = await mutate<{ record: Row }>(
    `mutation ($id: ID!) {
      result: delete${name}(id: $id) {
        ... on Delete${name}Payload { record: ${fieldOf(name)} { ${fields} } }
        ${REFUSAL}
      }
    }`,
    { id },
  );
  return record;
}

/** Gives many records the same values, all of them or none. Ends with the task. @throws Refused */
export function updateRecords(
  list: string,
  { name }: Model,
  ids: readonly string[],
  data: object,
  watch: Watch,
): Promise<void> {
  const changes = Object.fromEntries(Object.entries(data).map(([field, value]) => [field, { set: value }]));
  return followLaunch(
    `mutation ($selection: ${name}Selection!, $data: ${name}BulkUpdateInput!) {
      result: bulkUpdate${capital(list)}(selection: $selection, data: $data) { ${LAUNCHED} }
    }`,
    { selection: { ids }, data: changes },
    watch,
  );
}

/** Deletes many records, all of them or none. Ends with the task. @throws Refused */
export function deleteRecords(
  list: string,
  { name }: Model,
  ids: readonly string[],
  watch: Watch,
): Promise<void> {
  return followLaunch(
    `mutation ($selection: ${name}Selection!) {
      result: bulkDelete${capital(list)}(selection: $selection) { ${LAUNCHED} }
    }`,
    { selection: { ids } },
    watch,
  );
}

const LAUNCHED = `... on TaskLaunched { task { ${TASK} } } ${REFUSAL}`;
const capital = (name: string) => name.charAt(0).toUpperCase() + name.slice(1);
const fieldOf = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);

async function followLaunch(mutation: string, variables: object, watch: Watch): Promise<void> {
  let { task } = await mutate<{ task: Task }>(mutation, variables);
  watch(task);
  await new Promise<void>((resolve, reject) => {
    subscribe<{ taskProgress: Task }>(
      FOLLOW,
      { id: task.id },
      {
        next({ taskProgress }) {
          task = taskProgress;
          watch(task);
        },
        error: reject,
        complete: resolve,
      },
    );
  });
  if (task.status !== "SUCCEEDED") {
    throw new Refused({ code: "TASK_FAILED", message: task.message ?? task.status });
  }
}
