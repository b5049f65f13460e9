import type { Model, ModelRegistry } from "../../src/core/records/model.ts";
import type { RecordKey } from "../../src/core/records/record-key.ts";
import { formatRecordKey } from "../../src/core/records/record-key.ts";
import type { RecordReader } from "../../src/core/records/record-reader.ts";
import type { PrismaTransaction } from "../../src/adapters/prisma/prisma-client-port.ts";
import { delegateOf } from "../../src/adapters/prisma/prisma-client-port.ts";
import { translatePrismaError } from "../../src/adapters/prisma/prisma-unavailable.ts";
import { filterToPrisma } from "../../src/adapters/prisma/filter-to-prisma.ts";
import { recordKeyOf } from "../../src/core/records/record-key.ts";

/** PostgreSQL takes 32,767 parameters in a statement; the filter needs some of them. */
const MAX_KEYS_PER_QUERY = 30_000;

/** Prisma's records take some hundred bytes each until they are turned into ids. */
const PAGE_SIZE = 5_000;

/** The options of {@link createPrismaRecordReader}. */
export interface RecordReaderPorts {
  /** Prisma's client, or that of a transaction. */
  readonly client: PrismaTransaction;
  readonly models: ModelRegistry;
}

/** Reads ids through the Prisma client. */
export function createPrismaRecordReader(ports: RecordReaderPorts): RecordReader {
  const { models } = ports;
  return {
    async findIds(modelName, where, limit) {
      const model = models.get(modelName);
      const filter = filterToPrisma(models, model, where);
      const ids: string[] = [];
      // Prisma cannot compare booleans and enum values, so such keys are read in one page; there are few of them.
      const isComparable = model.key.every(({ kind, type }) => kind === "scalar" && type !== "Boolean");
      const pageSize = isComparable ? PAGE_SIZE : limit;
      for (let page: readonly string[] = []; ids.length < limit;) {
        const last = page.at(-1);
        page = await readIds(ports, model, {
          where: last === undefined ? filter : { AND: [filter, after(model, recordKeyOf(model, last))] },
          select: keySelect(model),
          orderBy: model.key.map((field) => ({ [field.name]: "asc" })),
          take: Math.min(pageSize, limit - ids.length),
        });
        for (const id of page) {
          ids.push(id);
        }
        if (page.length < pageSize) {
          break;
        }
      }
      return ids;
    },
    async existingIds(modelName, ids, where) {
      const model = models.get(modelName);
      const filter = filterToPrisma(models, model, where);
      const found: string[] = [];
      const size = Math.floor(MAX_KEYS_PER_QUERY / model.key.length);
      for (let at = 0; at < ids.length; at += size) {
        const keys = ids.slice(at, at + size).map((id) => recordKeyOf(model, id));
        const args = { where: { AND: [keysWhere(model, keys), filter] }, select: keySelect(model) };
        found.push(...(await readIds(ports, model, args)));
      }
      return found;
    },
  };
}

async function readIds(ports: RecordReaderPorts, model: Model, args: object): Promise<readonly string[]> {
  try {
    const records = await delegateOf(ports.client, model.name).findMany(args);
    return records.map((record) => formatRecordKey(model, record));
  } catch (error) {
    throw translatePrismaError(error);
  }
}

/** Keys that come later in the order of the key's fields. */
function after(model: Model, key: RecordKey): object {
  return {
    OR: model.key.map(({ name }, at) => ({
      ...Object.fromEntries(model.key.slice(0, at).map((field) => [field.name, key[field.name]])),
      [name]: { gt: key[name] },
    })),
  };
}

function keySelect(model: Model): Record<string, true> {
  return Object.fromEntries(model.key.map((field) => [field.name, true]));
}

function keysWhere(model: Model, keys: readonly RecordKey[]): object {
  const [only] = model.key;
  return model.key.length === 1 && only !== undefined
    ? { [only.name]: { in: keys.map((key) => key[only.name]) } }
    : { OR: keys.map((key) => ({ ...key })) };
}
