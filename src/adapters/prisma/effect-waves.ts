import type { Claim } from "../../core/locks/claim.ts";
import type { Model } from "../../core/records/model.ts";
import type { RecordKey } from "../../core/records/record-key.ts";
import { formatRecordKey } from "../../core/records/record-key.ts";
import type { Effect, EffectGraph, TableChange } from "./effect-graph.ts";
import { changeId } from "./effect-graph.ts";
import { changedSql, reachedSql, rootSql } from "./effect-statements.ts";
import type { PrismaTransaction } from "./prisma-client-port.ts";

/** Values of a locked row as text, by column. */
type Row = Readonly<Record<string, string | null>>;

/** Rows that are locked, and what happens to them. */
interface Front {
  readonly change: TableChange;
  readonly rows: readonly Row[];
}

/** What an effect is read with. */
interface Step {
  readonly effect: Effect;
  /** One array per column of the foreign key. */
  readonly values: readonly (readonly (string | null)[])[];
}

/**
 * The records that changing one brings change to, in waves; see core's EffectPlan. A wave takes one look-up per foreign
 * key, however many records there are, and a second one where the rows found can have effects of their own: they are
 * locked only once their records are guarded, so that a task that is at work on them is neither waited for nor, as both
 * lock rows, deadlocked with.
 */
export async function* effectWaves(
  client: PrismaTransaction,
  graph: EffectGraph,
  model: Model,
  change: TableChange,
  key: RecordKey,
): AsyncGenerator<readonly Claim[]> {
  const root = await client.$queryRawUnsafe<Row>(
    rootSql(model, columnsOf(graph, change)),
    ...model.key.map((field) => key[field.name]),
  );
  const seen = new Map<string, Set<string>>();
  let fronts: readonly Front[] = unseen(seen, [{ change, rows: root }]);
  while (fronts.length > 0) {
    const steps = fronts.flatMap((front) => stepsOf(graph, front));
    yield await reachedClaims(client, steps);
    fronts = unseen(seen, await lockChanged(client, graph, steps));
  }
}

/** The columns whose values the effects of a change are found by; together they tell rows of the table apart. */
function columnsOf(graph: EffectGraph, change: TableChange): readonly string[] {
  return [...new Set(graph.effectsOf(change).flatMap(({ foreignKey }) => foreignKey.referenced))];
}

function stepsOf(graph: EffectGraph, { change, rows }: Front): readonly Step[] {
  return graph.effectsOf(change).flatMap((effect) => {
    const { referenced } = effect.foreignKey;
    // Nothing refers to what is null.
    const whole = rows.filter((row) => referenced.every((column) => row[column] !== null));
    const values = referenced.map((column) => whole.map((row) => row[column] ?? null));
    return whole.length === 0 ? [] : [{ effect, values }];
  });
}

async function reachedClaims(client: PrismaTransaction, steps: readonly Step[]): Promise<readonly Claim[]> {
  const claims = new Map<string, Set<string>>();
  for (const { effect, values } of steps) {
    const { model } = effect;
    if (model !== undefined) {
      const records = await client.$queryRawUnsafe<Record<string, unknown>>(
        reachedSql(effect, model),
        ...values,
      );
      const ids = claims.get(model.name) ?? new Set();
      records.forEach((record) => ids.add(formatRecordKey(model, record)));
      claims.set(model.name, ids);
    }
  }
  return [...claims].map(([name, ids]) => ({ model: name, ids: [...ids] }));
}

async function lockChanged(
  client: PrismaTransaction,
  graph: EffectGraph,
  steps: readonly Step[],
): Promise<readonly Front[]> {
  const fronts: Front[] = [];
  for (const { effect, values } of steps) {
    const columns = effect.next === undefined ? [] : columnsOf(graph, effect.next);
    if (effect.next !== undefined && columns.length > 0) {
      const rows = await client.$queryRawUnsafe<Row>(changedSql(effect, columns), ...values);
      fronts.push({ change: effect.next, rows });
    }
  }
  return fronts;
}

/** Without rows that had their turn: references may run in circles. */
function unseen(seen: Map<string, Set<string>>, fronts: readonly Front[]): readonly Front[] {
  return fronts.flatMap(({ change, rows }) => {
    const at = changeId(change);
    const known = seen.get(at) ?? new Set();
    seen.set(at, known);
    const fresh = rows.filter((row) => {
      const id = JSON.stringify(row);
      return !known.has(id) && known.add(id);
    });
    return fresh.length === 0 ? [] : [{ change, rows: fresh }];
  });
}
