import type { Claim } from "../../core/locks/claim.ts";
import type { Model, ModelRegistry, RelationField } from "../../core/records/model.ts";
import { relationsOf } from "../../core/records/model.ts";
import type { RecordKey } from "../../core/records/record-key.ts";
import { formatRecordKey } from "../../core/records/record-key.ts";
import type { RecordData } from "../../core/records/record-writer.ts";
import type { RelationChange } from "../../core/records/relation-change.ts";
import type { SideEffects } from "../../core/records/side-effects.ts";
import type { PrismaTransaction } from "./prisma-client-port.ts";
import { lockRecordSql } from "./lock-record-sql.ts";
import { delegateOf } from "./prisma-client-port.ts";
import type { PrismaTransactions } from "./prisma-unit-of-work.ts";

/** What side effects are found with. */
export interface SideEffectPorts {
  /** What the database does by itself. */
  readonly database: SideEffects;
  readonly transactions: Pick<PrismaTransactions, "clientOf">;
  readonly models: ModelRegistry;
}

/** Side effects of writes through Prisma: the database's, and the links that `set` of a relation drops. */
export function createPrismaSideEffects({ database, models, transactions }: SideEffectPorts): SideEffects {
  return {
    ...database,
    async ofUpdate(model, data) {
      const plan = await database.ofUpdate(model, data);
      const replaced = relationsOf(model).filter(({ name }) => isReplaced(data, name));
      return replaced.length === 0
        ? plan
        : {
            models: [...new Set([...replaced.map((field) => field.type), ...(plan?.models ?? [])])],
            claims: () => Promise.reject(new TypeError("links are replaced one record at a time")),
            async *waves(transaction, key) {
              yield await linkedClaims(transactions.clientOf(transaction), models, model, replaced, key);
              yield* plan?.waves(transaction, key) ?? [];
            },
          };
    },
  };
}

function isReplaced(data: RecordData, relation: string): boolean {
  return (data[relation] as RelationChange | undefined)?.set !== undefined;
}

/** Whatever is linked now is dropped, or is among the links to be, which are guarded anyway. Locks the record first. */
async function linkedClaims(
  client: PrismaTransaction,
  models: ModelRegistry,
  model: Model,
  relations: readonly RelationField[],
  key: RecordKey,
): Promise<readonly Claim[]> {
  await client.$queryRawUnsafe(lockRecordSql(model), ...model.key.map((field) => key[field.name]));
  const select = Object.fromEntries(
    relations.map(({ name, type }) => {
      const keys = models.get(type).key.map((field) => [field.name, true]);
      return [name, { select: Object.fromEntries(keys) as Record<string, true> }];
    }),
  );
  const record = await delegateOf(client, model.name).findFirst({ where: { ...key }, select });
  const claims = new Map<string, Set<string>>();
  for (const { name, type } of relations) {
    const linked = (record?.[name] ?? []) as readonly Readonly<Record<string, unknown>>[];
    const ids = claims.get(type) ?? new Set();
    linked.forEach((other) => ids.add(formatRecordKey(models.get(type), other)));
    claims.set(type, ids);
  }
  return [...claims].map(([name, ids]) => ({ model: name, ids: [...ids] }));
}
