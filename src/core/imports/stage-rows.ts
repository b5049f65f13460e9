import { AppError } from "../../kernel/app-error.ts";
import { chunksOf } from "../bulk/launch-bulk.ts";
import type { RowField } from "../bulk/row-field.ts";
import { parseRowField } from "../bulk/row-field.ts";
import type { Model } from "../records/model.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { NewTaskError } from "../tasks/task-error.ts";
import type { Task } from "../tasks/task.ts";
import { checkPage, reasonOf } from "./check-page.ts";
import type { FileRow } from "./file-rows.ts";
import type { ImportForm } from "./import-form.ts";
import type { ImportPorts } from "./import-ports.ts";
import type { ReceivingLease } from "./keep-receiver.ts";
import type { PageReader } from "./read-import.ts";
import type { SeenNames } from "./seen-names.ts";

/** What the rows of a whole file came to. */
export interface StagedRows {
  readonly rows: number;
  readonly rejected: number;
  /** Of the records to write; undefined where they are more than are locked one by one. */
  readonly links: readonly RecordBatch[] | undefined;
  /** See EncodedRows.created; undefined as above. */
  readonly created: ReadonlyMap<string, string> | undefined;
  /** The fields that records which are there get new values for, and those whose links are replaced. */
  readonly updatedFields: readonly string[];
  readonly replacedLinks: readonly string[];
}

/** Checks rows, and puts them into the store: a page at a time, while the next one is read. */
export interface Stager {
  /** Resolves once there is room for more. */
  add(rows: readonly FileRow[]): Promise<void>;
  end(): Promise<StagedRows>;
}

interface StagerParts {
  readonly task: Task;
  readonly form: ImportForm;
  readonly model: Model;
  readonly seen: SeenNames;
  readonly lease: ReceivingLease;
  readonly pages: PageReader;
}

/** The first pages are small, so that small files have several chunks, whose progress moves. */
const FIRST_PAGE_ROWS = 500;
/** A page of long rows has fewer. */
const MAX_PAGE_LENGTH = 4_000_000;

export function createStager(ports: ImportPorts, parts: StagerParts): Stager {
  const { model, lease } = parts;
  const { maxChunkRecords, isKeptTogether } = chunksOf(ports, model.name);
  const limit = rowLimitOf(ports, parts);
  const sum = createSum(ports);
  let pageRows = isKeptTogether === true ? maxChunkRecords : Math.min(FIRST_PAGE_ROWS, maxChunkRecords);
  let page: FileRow[] = [];
  let length = 0;
  let count = 0;
  let working: Promise<void> = Promise.resolve();
  const flush = async (): Promise<void> => {
    const rows = page;
    const firstRow = count - rows.length;
    page = [];
    length = 0;
    pageRows = Math.min(pageRows * 2, maxChunkRecords);
    await working;
    working = stagePage(ports, parts, sum, rows, firstRow);
    // Awaited with the next page; an unhandled rejection would end the process.
    working.catch(() => undefined);
  };
  return {
    async add(rows) {
      for (const row of rows) {
        count += 1;
        if (count > limit.rows) {
          throw new AppError("LIMIT_EXCEEDED", `The file has more than ${limit.rows} rows; ${limit.words}`, {
            details: { limit: limit.rows, line: row.line },
          });
        }
        page.push(row);
        length += row.text.length;
        if (page.length >= pageRows || length > MAX_PAGE_LENGTH) {
          await flush();
        }
      }
    },
    async end() {
      if (page.length > 0) {
        await flush();
      }
      await working;
      return sum.result(lease);
    },
  };
}

function rowLimitOf(
  { limits }: ImportPorts,
  { task }: StagerParts,
): { readonly rows: number; readonly words: string } {
  const { maxAffected } = (task.input as { readonly maxAffected?: number } | null) ?? {};
  return maxAffected !== undefined && maxAffected < limits.maxRows
    ? { rows: maxAffected, words: "maxAffected allows no more." }
    : { rows: limits.maxRows, words: "this service allows no more in one import." };
}

async function stagePage(
  ports: ImportPorts,
  { task, form, model, seen, lease, pages }: StagerParts,
  sum: Sum,
  rows: readonly FileRow[],
  firstRow: number,
): Promise<void> {
  if (lease.hasEnded()) {
    return;
  }
  const { reader, page } = await pages.readRows(rows, firstRow);
  const check = { viewer: task.viewer, model, operation: form.operation, reader, seen };
  const { batches, created } = await checkPage(ports, check, page);
  const errors = [...page.problems()].map(([index, found]): NewTaskError => {
    const { code, message, field } = reasonOf(found);
    const error = { recordId: null, outcome: "FAILED", code, message, index } as const;
    return field === undefined ? error : { ...error, field };
  });
  const { chunks } = sum;
  sum.add(batches, created, errors.length);
  await lease.stage({ firstRow, rows, batches, chunksBefore: chunks(), errors }, sum.rejected());
  sum.addChunks(batches.length);
}

/** What the pages so far came to. */
interface Sum {
  add(batches: readonly RecordBatch[], created: ReadonlyMap<string, string>, rejected: number): void;
  addChunks(count: number): void;
  chunks(): number;
  rejected(): number;
  result(lease: ReceivingLease): StagedRows;
}

function createSum({ settings }: ImportPorts): Sum {
  const updated = new Set<string>();
  const replaced = new Set<string>();
  let links: RecordBatch[] = [];
  let created = new Map<string, string>();
  let records = 0;
  let rejected = 0;
  let chunks = 0;
  const isWide = (): boolean => records > settings.lockEscalationRecords;
  return {
    add(batches, newIds, faulty) {
      rejected += faulty;
      for (const batch of batches) {
        records += batch.ids.length;
        batch.fields.map(parseRowField).forEach((field) => noteUpdated(field, updated, replaced));
        const linked = linksOf(batch);
        links.push(...(linked.fields.length > 0 && !isWide() ? [linked] : []));
      }
      if (isWide()) {
        links = [];
        created = new Map();
      } else {
        newIds.forEach((name, id) => created.set(id, name));
      }
    },
    addChunks(count) {
      chunks += count;
    },
    chunks: () => chunks,
    rejected: () => rejected,
    result: (lease) => ({
      rows: lease.received().rows,
      rejected,
      links: isWide() ? undefined : links,
      created: isWide() ? undefined : created,
      updatedFields: [...updated],
      replacedLinks: [...replaced],
    }),
  };
}

function noteUpdated(field: RowField, updated: Set<string>, replaced: Set<string>): void {
  if ((field.kind === "VALUE" || field.kind === "LINKS") && field.part === "update") {
    updated.add(field.field);
    if (field.kind === "LINKS" && field.operator === "set") {
      replaced.add(field.field);
    }
  }
}

/** The batch with its links alone. */
function linksOf({ ids, fields, columns }: RecordBatch): RecordBatch {
  const isLink = fields.map((text) => parseRowField(text).kind === "LINKS");
  return {
    ids,
    fields: fields.filter((_text, at) => isLink[at]),
    columns: columns.filter((_column, at) => isLink[at]),
  };
}
