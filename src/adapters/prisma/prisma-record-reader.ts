import type { Model, ModelRegistry } from "../../core/records/model.ts";
import type { RecordKey } from "../../core/records/record-key.ts";
import { formatRecordKey, parseRecordKey } from "../../core/records/record-key.ts";
import type { RecordReader } from "../../core/records/record-reader.ts";
import type { PrismaPort } from "./prisma-client-port.ts";
import { delegateOf } from "./prisma-client-port.ts";
import { translatePrismaError } from "./prisma-unavailable.ts";
import { whereToPrisma } from "./where-to-prisma.ts";

/** PostgreSQL takes 32,767 parameters in a statement; the filter needs some of them. */
const MAX_KEYS_PER_QUERY = 30_000;

/** What the reader works with. */
export interface RecordReaderPorts {
  readonly client: PrismaPort;
  readonly models: ModelRegistry;
}

/** Reads ids through the Prisma client. */
export function createPrismaRecordReader(ports: RecordReaderPorts): RecordReader {
  const { models } = ports;
  return {
    async findIds(modelName, where, limit) {
      const model = models.get(modelName);
      const args = {
        where: whereToPrisma(models, model, where),
        select: keySelect(model),
        orderBy: model.key.map((field) => ({ [field.name]: "asc" })),
        take: limit,
      };
      return readIds(ports, model, args);
    },
    async existingIds(modelName, ids, where) {
      const model = models.get(modelName);
      const filter = whereToPrisma(models, model, where);
      const found: string[] = [];
      const size = Math.floor(MAX_KEYS_PER_QUERY / model.key.length);
      for (let at = 0; at < ids.length; at += size) {
        const keys = ids.slice(at, at + size).map((id) => parseRecordKey(model, id));
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

function keySelect(model: Model): Record<string, true> {
  return Object.fromEntries(model.key.map((field) => [field.name, true]));
}

function keysWhere(model: Model, keys: readonly RecordKey[]): object {
  const [only] = model.key;
  return model.key.length === 1 && only !== undefined
    ? { [only.name]: { in: keys.map((key) => key[only.name]) } }
    : { OR: keys.map((key) => ({ ...key })) };
}
