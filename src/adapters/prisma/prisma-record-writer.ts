import type { ColumnField, Model, ModelRegistry } from "../../core/records/model.ts";
import { columnsOf } from "../../core/records/model.ts";
import type { RecordKey } from "../../core/records/record-key.ts";
import type { RecordData, RecordWriter, WriteResult } from "../../core/records/record-writer.ts";
import type { RelationChange } from "../../core/records/relation-change.ts";
import type { Transaction } from "../../core/transactions/transaction.ts";
import { jsonNull } from "./column-from-json.ts";
import type { ConstraintCatalog } from "./constraint-catalog.ts";
import { jsonArgument } from "./json-argument.ts";
import type { ModelDelegate } from "./prisma-client-port.ts";
import { delegateOf } from "./prisma-client-port.ts";
import { lockRecordSql } from "./lock-record-sql.ts";
import type { PrismaTransactions } from "./prisma-unit-of-work.ts";
import type { Datamodel } from "./read-model-registry.ts";
import { refusedWrite } from "./refused-write.ts";
import { uniqueWhere } from "./unique-where.ts";
import { filterToPrisma } from "./filter-to-prisma.ts";

/** What the writer works with. */
export interface RecordWriterPorts {
  readonly transactions: PrismaTransactions;
  readonly models: ModelRegistry;
  readonly datamodel: Datamodel;
  readonly constraints: ConstraintCatalog;
}

type Write = (
  transaction: Transaction,
  model: string,
  deed: (delegate: ModelDelegate, model: Model) => Promise<unknown>,
  data?: RecordData,
) => Promise<WriteResult>;

/** Writes single records through the Prisma client; shapes are the client's `select` or `include`. */
export function createPrismaRecordWriter(ports: RecordWriterPorts): RecordWriter {
  const { datamodel, models } = ports;
  const write = createWrite(ports);
  return {
    create: (transaction, modelName, data, shape) =>
      write(
        transaction,
        modelName,
        (delegate, model) =>
          delegate.create({ ...asShape(shape), data: toPrismaData(datamodel, models, model, data) }),
        data,
      ),
    update: (transaction, modelName, key, data, shape) =>
      write(
        transaction,
        modelName,
        (delegate, model) =>
          delegate.update({
            ...asShape(shape),
            where: uniqueWhere(datamodel, model, key),
            data: toPrismaData(datamodel, models, model, data),
          }),
        data,
      ),
    delete: (transaction, modelName, key, shape) =>
      write(transaction, modelName, (delegate, model) =>
        delegate.delete({ ...asShape(shape), where: uniqueWhere(datamodel, model, key) }),
      ),
    async readWhole(transaction, modelName, key) {
      const model = models.get(modelName);
      const client = ports.transactions.clientOf(transaction);
      await client.$queryRawUnsafe(lockRecordSql(model), ...model.key.map((field) => key[field.name]));
      return (await delegateOf(client, modelName).findFirst({ where: { ...key } })) ?? undefined;
    },
    async lockForWrite(transaction, modelName, key, scope, shape) {
      const model = models.get(modelName);
      const client = ports.transactions.clientOf(transaction);
      const rows = await client.$queryRawUnsafe<Record<string, unknown>>(
        lockRecordSql(model),
        ...model.key.map((field) => key[field.name]),
      );
      if (rows.length === 0) {
        return undefined;
      }
      const isEnough = scope === undefined && shape === undefined;
      const where = { AND: [{ ...key }, filterToPrisma(models, model, scope)] };
      return isEnough
        ? { ...key }
        : ((await delegateOf(client, modelName).findFirst({ ...asShape(shape), where })) ?? undefined);
    },
  };
}

/** A write whose refusal is told in terms of the data. */
function createWrite({ models, transactions, constraints }: RecordWriterPorts): Write {
  return async (transaction, modelName, deed, data = {}) => {
    const model = models.get(modelName);
    try {
      return { record: await deed(delegateOf(transactions.clientOf(transaction), modelName), model) };
    } catch (error) {
      const problem = await refusedWrite(constraints, model, error, data);
      if (problem === undefined) {
        throw error;
      }
      return { problem };
    }
  };
}

function asShape(shape: unknown): object {
  return (shape as object | undefined) ?? {};
}

function toPrismaData(
  datamodel: Datamodel,
  models: ModelRegistry,
  model: Model,
  data: RecordData,
): Record<string, unknown> {
  const columns = new Map(columnsOf(model).map((field) => [field.name, field]));
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => {
      const column = columns.get(name);
      if (column !== undefined) {
        return [name, column.type === "Json" ? jsonData(column, value) : value];
      }
      const field = model.fields.find((candidate) => candidate.name === name);
      return [name, linksOf(datamodel, models.get(field?.type ?? name), value as RelationChange)];
    }),
  );
}

function jsonData(column: ColumnField, value: unknown): unknown {
  return value === null ? jsonNull(column) : jsonArgument(column, value);
}

function linksOf(datamodel: Datamodel, target: Model, change: RelationChange): Record<string, unknown> {
  const wheres = (keys: readonly RecordKey[]): unknown[] =>
    keys.map((key) => uniqueWhere(datamodel, target, key));
  return {
    ...(change.set === undefined ? {} : { set: wheres(change.set) }),
    ...(change.add === undefined ? {} : { connect: wheres(change.add) }),
    ...(change.remove === undefined ? {} : { disconnect: wheres(change.remove) }),
  };
}
