import type { SessionSettings } from "../../../core/access/viewer-sessions.ts";
import { setSavepoint } from "../../../kernel/savepoint.ts";
import { filterKey } from "../../../core/events/record-announcement.ts";
import type { TrialResult } from "../../../core/bulk/chunk-writer.ts";
import { isNamedByKey } from "../../../core/bulk/named-batch.ts";
import { MAX_PREVIEW_RECORDS } from "../../../core/bulk/preview.ts";
import { isPlainWork } from "../../../core/bulk/record-writer.ts";
import { namedFields } from "../../../core/bulk/row-field.ts";
import { isReadable } from "../../../core/records/field-switches.ts";
import type { ColumnField, ModelRegistry } from "../../../core/records/model.ts";
import { columnsOf } from "../../../core/records/model.ts";
import { parseRecordId } from "../../../core/records/record-key.ts";
import { figuresOf } from "../../../core/bulk/preview-figures.ts";
import type { NewTaskError } from "../../../core/tasks/task-error.ts";
import type { Json } from "../../../kernel/json.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import { createStatement } from "../filters/column-to-sql.ts";
import { filterToSql } from "../filters/filter-to-sql.ts";
import type { KeyRow } from "../records/record-ids.ts";
import { idOfRow } from "../records/record-ids.ts";
import type { TableShape, TableShapes } from "../records/table-shape.ts";
import { LIST_FIELDS } from "../sql/bulk-chunk-steps.ts";
import type { PreviewedField, PreviewTables } from "../sql/preview.ts";
import {
  COUNT_PLACES,
  deletedSql,
  keepBeforeSql,
  keepFoundSql,
  keptTableSql,
  presentSql,
  previewSql,
} from "../sql/preview.ts";
import type { StoredPreview, StoredRecord } from "../tasks/task-previews.ts";
import { isEmulated } from "./emulated-way.ts";
import { inSpreadOrder, mixed, spread } from "./preview-sample.ts";
import type { ChunkWriting } from "./write-chunk.ts";

/** What a dry run needs to keep a preview. */
export type PreviewedWriting = Pick<ChunkWriting, "work" | "table" | "emulated"> & {
  readonly models: ModelRegistry;
  readonly shapes: TableShapes;
  /** The settings of the viewer on whose behalf it runs. Left out: the database has no policies. */
  readonly settingsOf?: (() => SessionSettings) | undefined;
};

/** A dry run whose preview is being taken. */
export interface PreviewTrial {
  /** The table through which the run writes. */
  readonly table: TableShape;
  /** To be called with records that were found by a key, before they are written. */
  readonly beforeFound?: (ids: readonly string[]) => Promise<void>;
  /** Sums up what was written, before it is rolled back. Undefined if that was not possible. */
  finish(result: TrialResult): Promise<StoredPreview | undefined>;
}

/** The columns and the rows of a preview. */
interface PreviewPlan {
  /** The names of the fields that the operation writes. */
  readonly named: ReadonlySet<string>;
  readonly compared: readonly PreviewedField[];
  /** Whether writes keep the values themselves, which costs least: they change what they name and nothing else. */
  readonly isKeptByWrites: boolean;
  readonly isNamed: boolean;
  readonly total: number;
}

/**
 * Begins to take the preview of a dry run, in its transaction. Undefined if the database does not let it: the role may make no
 * temporary tables, or they are too large. The run goes on without it.
 */
export async function beginPreview(
  session: SqlSession,
  writing: PreviewedWriting,
): Promise<PreviewTrial | undefined> {
  return unlessRefused(session, async () => {
    const { work, table } = writing;
    const plan = await planPreview(session, writing);
    const tables = { table, compared: plan.compared };
    const step = Math.max(1, Math.floor(plan.total / MAX_PREVIEW_RECORDS));
    if (plan.isKeptByWrites) {
      await session.query(keptTableSql({ ...tables, readable: ALL }));
    } else {
      const every = work.operation === "DELETE" ? step : null;
      const { readable, values } = await readableOf(writing, work.taskId);
      await session.query(keepBeforeSql({ ...tables, readable }, every), values);
    }
    const beforeFound = plan.isNamed ? keepFound(session, writing, plan) : undefined;
    return {
      table: plan.isKeptByWrites ? { ...table, kept: plan.compared as readonly ColumnField[] } : table,
      ...(beforeFound === undefined ? {} : { beforeFound }),
      finish: async (result) =>
        result.kind === "TRIED" || result.kind === "REFUSED"
          ? unlessRefused(session, () => finishPreview(session, writing, plan, result))
          : undefined,
    };
  });
}

const ALL = { joins: "", condition: "TRUE" } as const;

/** What the viewer may read of the table `t`, with the statement's parameters, of which the given ones come first. */
async function readableOf(
  { models, shapes, work }: PreviewedWriting,
  ...given: readonly unknown[]
): Promise<{ readonly readable: PreviewTables["readable"]; readonly values: readonly unknown[] }> {
  const statement = createStatement();
  statement.values.push(...given);
  const filter = work.readScope?.();
  const readable =
    filter === undefined ? ALL : await filterToSql({ models, shapes }, work.model, filter, "t", statement);
  return { readable, values: statement.values };
}

async function planPreview(session: SqlSession, writing: PreviewedWriting): Promise<PreviewPlan> {
  const { work, table, emulated } = writing;
  const rows = await session.query<{ field: string }>(LIST_FIELDS, [work.taskId]);
  const fields = rows.map(({ field }) => field);
  const [count] = await session.query<{ total: number }>(COUNT_PLACES, [work.taskId]);
  const isNamed = isNamedByKey(fields);
  const isFree = work.hooks === undefined && !table.isChangedByDatabase && !isEmulated(emulated, work.model);
  const named = new Set(work.operation === "UPDATE" ? Object.keys(work.change) : namedFields(fields));
  const compared = table.model.fields.filter(
    (field): field is PreviewedField =>
      isCompared(table, field) &&
      (named.has(field.name) ||
        // What is deleted is shown whole; hooks and the database may change any column.
        (field.kind !== "relation" && (work.operation === "DELETE" || !isFree))),
  );
  const isKeptByWrites =
    isFree && !isNamed && keepsByItself(work) && compared.every(({ kind }) => kind !== "relation");
  return { named, compared, isKeptByWrites, isNamed, total: count?.total ?? 0 };
}

/** Whether the statements of the write can keep the values, and the viewer may read all of them. */
function keepsByItself(work: PreviewedWriting["work"]): boolean {
  const isOneStep = work.operation !== "UPSERT" && work.operation !== "DELETE";
  return isOneStep && isPlainWork(work) && work.readScope?.() === undefined;
}

/** Whether the API shows the field, and a write can change it by itself. */
function isCompared({ joinTables }: TableShape, field: PreviewedField): boolean {
  if (!isReadable(field)) {
    return false;
  }
  return field.kind === "relation" ? joinTables.has(field.name) : !field.isUpdatedAt && !field.isKey;
}

function keepFound(
  session: SqlSession,
  writing: PreviewedWriting,
  { compared }: PreviewPlan,
): (ids: readonly string[]) => Promise<void> {
  return async (ids) => {
    const { readable, values } = await readableOf(writing, ids);
    await session.query(keepFoundSql({ table: writing.table, compared, readable }), values);
  };
}

type Finished = Extract<TrialResult, { kind: "TRIED" | "REFUSED" }>;

async function finishPreview(
  session: SqlSession,
  writing: PreviewedWriting,
  plan: PreviewPlan,
  { kind, errors }: Finished,
): Promise<StoredPreview> {
  // Of a refused run nothing would be changed.
  const summary = kind === "REFUSED" ? NOTHING : await summaryOf(session, writing, plan);
  const failed = await failedRecords(session, writing, plan, errors);
  const known = new Set(failed.map(({ recordId }) => recordId));
  const written = summary.records.filter(({ recordId }) => !known.has(recordId));
  const filter = writing.work.readScope?.();
  // Hooks and the database may change any field, but seldom do.
  const fields = summary.fields.filter(({ field, changed }) => plan.named.has(field) || changed > 0);
  const listed = new Set([...plan.named, ...fields.map(({ field }) => field)]);
  const isWhole = writing.work.operation === "DELETE";
  return {
    readFilter: filterKey(filter, writing.settingsOf?.()) ?? null,
    fields,
    records: mixed(inSpreadOrder(written), inSpreadOrder(failed)).map((record) =>
      isWhole ? record : withFields(record, listed),
    ),
  };
}

/** An existing record with these fields only; a new one is whole. */
function withFields(record: StoredRecord, listed: ReadonlySet<string>): StoredRecord {
  const { before, after } = record;
  const some = (cells: StoredRecord["before"]): StoredRecord["before"] =>
    cells && Object.fromEntries(Object.entries(cells).filter(([name]) => listed.has(name)));
  return before === null ? record : { ...record, before: some(before), after: some(after) };
}

interface Summary {
  readonly fields: StoredPreview["fields"];
  readonly records: readonly StoredRecord[];
}

const NOTHING: Summary = { fields: [], records: [] };

async function summaryOf(
  session: SqlSession,
  writing: PreviewedWriting,
  plan: PreviewPlan,
): Promise<Summary> {
  const { work, table } = writing;
  const { compared } = plan;
  if (work.operation === "DELETE") {
    const [row] = await session.query<{ records: string }>(deletedSql({ table, compared, readable: ALL }));
    return {
      fields: [],
      records: recordsOf(table, parse(row?.records) as readonly RecordRow[], {
        before: compared,
        after: compared,
        created: [],
      }),
    };
  }
  const { readable, values } = await readableOf(writing, work.taskId, plan.total);
  const mayCreate = work.operation === "CREATE" || work.operation === "UPSERT";
  const shown = columnsOf(table.model).filter(
    (field) => mayCreate && isReadable(field) && !field.isUpdatedAt && !isId(table, field),
  );
  const sql = (hasFigures: boolean): string =>
    previewSql({
      table,
      compared,
      readable,
      shown,
      pairedBy: plan.isKeptByWrites ? "WRITE" : "CHUNK",
      isNew: work.operation === "CREATE",
      figures: compared.map((field) => (hasFigures ? figuresOf(table.model, field) : null)),
    });
  const read = (hasFigures: boolean): Promise<PreviewRow[]> =>
    session.query<PreviewRow>(sql(hasFigures), values);
  // A sum may be beyond its type.
  const [row] = (await unlessRefused(session, () => read(true))) ?? (await read(false));
  const links = compared.filter(({ kind }) => kind === "relation");
  return {
    fields: summariesOf(compared, parse(row?.fields) as readonly SummaryRow[]),
    records: recordsOf(table, parse(row?.records) as readonly RecordRow[], {
      before: compared,
      after: compared,
      created: [...shown, ...links],
    }),
  };
}

/** Whether the API shows the column as the record's id. */
function isId({ key }: TableShape, field: ColumnField): boolean {
  return field.isKey && key.length === 1;
}

interface PreviewRow {
  readonly fields: string;
  readonly records: string;
}

/** A value in JSON, alone; or the beginning of its text, and true. */
type Cell = readonly [Json] | readonly [string, true];

function parse(text: string | undefined): unknown {
  return JSON.parse(text ?? "[]");
}

type SummaryRow = readonly [
  counts: readonly [changed: number, values: number],
  top: readonly (readonly [Cell, number])[],
  before: readonly Json[] | null,
  after: readonly Json[] | null,
];

function summariesOf(
  compared: readonly PreviewedField[],
  rows: readonly SummaryRow[],
): StoredPreview["fields"] {
  return rows.map(([[changed, valueCount], values, before, after], at) => ({
    field: compared[at]?.name ?? "",
    changed,
    valueCount,
    values,
    before,
    after,
  }));
}

type RecordRow = readonly [
  key: readonly [place: number, ...key: readonly Json[]],
  before: readonly Cell[] | null,
  after: readonly Cell[] | null,
];

interface RowFields {
  readonly before: readonly PreviewedField[];
  readonly after: readonly PreviewedField[];
  /** After, of a new record. */
  readonly created: readonly PreviewedField[];
}

function recordsOf(
  { model }: TableShape,
  rows: readonly RecordRow[],
  fields: RowFields,
): readonly StoredRecord[] {
  return rows.map(([[place, ...key], before, after]) => ({
    recordId: idOfRow(model, Object.fromEntries(key.map((part, at) => [`k${at}`, part])) as KeyRow),
    place,
    before: valuesOf(fields.before, before),
    after: valuesOf(before === null ? fields.created : fields.after, after),
  }));
}

function valuesOf(fields: readonly PreviewedField[], cells: readonly Cell[] | null): StoredRecord["before"] {
  return cells && Object.fromEntries(fields.map(({ name }, at) => [name, cells[at] ?? [null]]));
}

/** Some of the records that would fail, spread over the errors, as they are; skipped ones where there are no others. */
async function failedRecords(
  session: SqlSession,
  writing: PreviewedWriting,
  { compared }: PreviewPlan,
  errors: readonly NewTaskError[],
): Promise<readonly StoredRecord[]> {
  const own = errors.filter(({ recordId, model }) => recordId !== null && model === undefined);
  const failed = own.filter(({ outcome }) => outcome === "FAILED");
  const chosen = spread(failed.length > 0 ? failed : own, MAX_PREVIEW_RECORDS);
  const ids = chosen.flatMap(({ recordId }) =>
    recordId !== null && "value" in parseRecordId(writing.table.model, recordId) ? [recordId] : [],
  );
  const present = await presentRecords(session, writing, compared, ids);
  return chosen.map((error) => ({
    recordId: error.recordId ?? "",
    place: error.index ?? 0,
    before: present.get(error.recordId ?? "") ?? null,
    after: null,
    error,
  }));
}

async function presentRecords(
  session: SqlSession,
  writing: PreviewedWriting,
  compared: readonly PreviewedField[],
  ids: readonly string[],
): Promise<ReadonlyMap<string, StoredRecord["before"]>> {
  if (ids.length === 0 || writing.work.operation === "CREATE") {
    return new Map();
  }
  const { readable, values } = await readableOf(writing, ids);
  const text = presentSql({ table: writing.table, compared, readable });
  // An id may be none that the key's column can hold: that is why the record would fail.
  const rows = await unlessRefused(session, () =>
    session.query<{ id: string; before: string }>(text, values),
  );
  return new Map(
    (rows ?? []).map(({ id, before }) => [id, valuesOf(compared, parse(before) as readonly Cell[])]),
  );
}

/** Classes of errors that a preview can cause: of data, of rights, of space, of limits. */
const REFUSED = /^(?:22|42|53|54|0A)/;

/** Undefined, with nothing changed, when the database refuses what only a preview needs. */
async function unlessRefused<T>(session: SqlSession, work: () => Promise<T>): Promise<T | undefined> {
  const savepoint = await setSavepoint(session, "preview");
  try {
    const done = await work();
    await savepoint.keep();
    return done;
  } catch (error) {
    if (!REFUSED.test(String((error as { readonly code?: unknown }).code))) {
      throw error;
    }
    await savepoint.takeBack();
    return undefined;
  }
}
