import type { Claim } from "../../core/locks/claim.ts";
import type { Model, ModelRegistry, RelationField } from "../../core/records/model.ts";
import { columnsOf, relationsOf } from "../../core/records/model.ts";
import type { RecordKey } from "../../core/records/record-key.ts";
import { formatRecordKey } from "../../core/records/record-key.ts";
import type { RecordData } from "../../core/records/record-writer.ts";
import type { RelationChange } from "../../core/records/relation-change.ts";
import type { EffectPlan, SideEffects } from "../../core/records/side-effects.ts";
import type { EffectGraph, TableChange } from "./effect-graph.ts";
import { createEffectGraph } from "./effect-graph.ts";
import { rootSql } from "./effect-statements.ts";
import { effectWaves } from "./effect-waves.ts";
import { readForeignKeys } from "./foreign-keys.ts";
import type { PrismaPort, PrismaTransaction } from "./prisma-client-port.ts";
import { delegateOf } from "./prisma-client-port.ts";
import { translatePrismaError } from "./prisma-unavailable.ts";
import type { PrismaTransactions } from "./prisma-unit-of-work.ts";

/** What side effects are found with. */
export interface SideEffectPorts {
  readonly client: Pick<PrismaPort, "$queryRawUnsafe">;
  readonly transactions: Pick<PrismaTransactions, "clientOf">;
  readonly models: ModelRegistry;
}

/**
 * Side effects as the database's own catalog tells them: it, not the data model, is what acts. Foreign keys are read on
 * first use; migrations run before the service starts.
 */
export function createPrismaSideEffects(ports: SideEffectPorts): SideEffects {
  const { client, models, transactions } = ports;
  let reading: Promise<EffectGraph> | undefined;
  const graph = (): Promise<EffectGraph> => {
    reading ??= readForeignKeys(client).then(
      (foreignKeys) => createEffectGraph(foreignKeys, models.all()),
      (error: unknown) => {
        reading = undefined;
        throw translatePrismaError(error);
      },
    );
    return reading;
  };
  const plan = (
    known: EffectGraph,
    model: Model,
    change: TableChange,
    replaced: readonly RelationField[],
  ): EffectPlan | undefined => {
    const reached = known.modelsOf(change);
    const affected = new Set([...replaced.map((field) => field.type), ...reached]);
    return affected.size === 0
      ? undefined
      : {
          models: [...affected],
          async *waves(transaction, key) {
            const within = transactions.clientOf(transaction);
            if (replaced.length > 0) {
              yield await linkedClaims(within, models, model, replaced, key);
            }
            if (reached.length > 0) {
              yield* effectWaves(within, known, model, change, key);
            }
          },
        };
  };
  return {
    async ofDelete(model) {
      const { schema, table } = model;
      return plan(await graph(), model, { schema, table, changed: undefined }, []);
    },
    async ofUpdate(model, data) {
      const known = await graph();
      const replaced = relationsOf(model).filter(({ name }) => isReplaced(data, name));
      // A value that the record has already changes nothing, but only the database could tell that it is the same.
      const changed = columnsOf(model).filter(({ name }) => data[name] !== undefined);
      const change = known.updateOf(
        model,
        changed.map(({ column }) => column),
      );
      return plan(known, model, change, replaced);
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
  await client.$queryRawUnsafe(rootSql(model, []), ...model.key.map((field) => key[field.name]));
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
