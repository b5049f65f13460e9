import type { ColumnField, Model } from "../records/model.ts";
import { columnsOf } from "../records/model.ts";
import type { HookTransactions } from "../records/hook-transactions.ts";
import { fromColumnText } from "../records/column-text.ts";
import type { AppChange, AppRecord, HookRecord, WriteOperation } from "../records/write-hooks.ts";
import type { Json } from "../../kernel/json.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { BulkOperation } from "./record-writer.ts";
import type { RowField, RowPart } from "./row-field.ts";
import { parseRowField } from "./row-field.ts";

type Typed = HookTransactions["typed"];

/** The records that exist, by id. */
export type LoadedRecords = ReadonlyMap<string, AppRecord>;

/** What an operation does to a record, by whether it exists. */
export function operationOn(operation: BulkOperation["operation"], isThere: boolean): WriteOperation {
  switch (operation) {
    case "CREATE":
    case "DELETE":
      return operation;
    case "UPDATE":
    case "UPDATE_EACH":
      return "UPDATE";
    case "UPSERT":
      return isThere ? "UPDATE" : "CREATE";
  }
}

/** Everything that an operation may do to a record. */
export function operationsOf(operation: BulkOperation["operation"]): readonly WriteOperation[] {
  return [...new Set([operationOn(operation, true), operationOn(operation, false)])];
}

/** The records of a batch in the form that hooks get, by what happens to them. */
export function hookChunks(
  typed: Typed,
  model: Model,
  operation: BulkOperation,
  batch: RecordBatch,
  loaded: LoadedRecords,
): ReadonlyMap<WriteOperation, readonly HookRecord[]> {
  const changeOf = changesOf(typed, model, operation, batch);
  const chunks = new Map<WriteOperation, HookRecord[]>();
  for (const [at, id] of batch.ids.entries()) {
    const record = loaded.get(id) ?? null;
    const done = operationOn(operation.operation, record !== null);
    const records = chunks.get(done) ?? [];
    records.push({ id, record, before: record, change: changeOf(done, at) });
    chunks.set(done, records);
  }
  return chunks;
}

type ChangeOf = (done: WriteOperation, at: number) => AppChange;

function changesOf(typed: Typed, model: Model, operation: BulkOperation, batch: RecordBatch): ChangeOf {
  switch (operation.operation) {
    case "DELETE":
      return () => NO_CHANGE;
    case "UPDATE": {
      const same = sameChange(typed, model, operation.change);
      return () => same;
    }
    case "CREATE":
    case "UPDATE_EACH":
    case "UPSERT": {
      const fields = batch.fields.map(parseRowField);
      const columns = new Map(columnsOf(model).map((field) => [field.name, field]));
      const [creating, updating] = (["create", "update"] as const).map((part) =>
        partReader(typed, columns, batch, fields, part),
      );
      return (done, at) => (done === "CREATE" ? creating : updating)?.(at) ?? NO_CHANGE;
    }
  }
}

const NO_CHANGE: AppChange = Object.freeze({});

function sameChange(
  typed: Typed,
  model: Model,
  change: Extract<BulkOperation, { operation: "UPDATE" }>["change"],
): AppChange {
  const columns = new Map(columnsOf(model).map((field) => [field.name, field]));
  const members = Object.entries(change).map(([name, value]) => {
    const column = columns.get(name);
    const typedMembers = Object.entries(value).map(([operator, operand]): [string, unknown] => [
      operator,
      column === undefined ? operand : typed(column, operand as Json),
    ]);
    return [name, Object.fromEntries(typedMembers)] as const;
  });
  return Object.fromEntries(members) as AppChange;
}

/** Reads the change of a record from the batch's columns, by its place in the batch. */
function partReader(
  typed: Typed,
  columns: ReadonlyMap<string, ColumnField>,
  batch: RecordBatch,
  fields: readonly RowField[],
  part: RowPart,
): (at: number) => AppChange {
  const readers = fields.flatMap((field, place) => {
    const texts = batch.columns[place] ?? [];
    if (!("part" in field) || field.part !== part) {
      return [];
    }
    if (field.kind === "LINKS") {
      return [
        (change: Members, at: number) => {
          const ids = JSON.parse(texts[at] ?? "null") as readonly string[] | null;
          if (ids !== null) {
            change[field.field] = { ...change[field.field], [field.operator]: ids };
          }
        },
      ];
    }
    const column = columns.get(field.field);
    return column === undefined
      ? []
      : [
          (change: Members, at: number) => {
            change[field.field] = { set: typed(column, fromColumnText(column, texts[at] ?? null)) };
          },
        ];
  });
  return (at) => {
    const change: Members = {};
    readers.forEach((read) => read(change, at));
    return change;
  };
}

type Members = Record<string, Readonly<Record<string, unknown>>>;
