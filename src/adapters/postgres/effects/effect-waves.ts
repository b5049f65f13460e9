import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { Claim } from "../../../core/locks/claim.ts";
import type { TableShape } from "../table-shape.ts";
import type { Front, Row, Step } from "./effect-front.ts";
import { columnsOf, createSeenRows, stepsOf } from "./effect-front.ts";
import type { EffectGraph, TableChange } from "./effect-graph.ts";
import { lockChangedSql, reachedSql, rootsSql } from "./effect-statements.ts";
import type { KeyRow } from "./record-ids.ts";
import { idOfRow } from "./record-ids.ts";

/**
 * The records that changing one brings change to, in waves; see core's EffectPlan. A wave takes one look-up per foreign
 * key, however many records there are, and a second one where the rows found can have effects of their own: they are
 * locked only once their records are guarded, so that a task that is at work on them is neither waited for nor, as both
 * lock rows, deadlocked with.
 */
export async function* effectWaves(
  session: SqlSession,
  graph: EffectGraph,
  shape: TableShape,
  change: TableChange,
  id: string,
): AsyncGenerator<readonly Claim[]> {
  const root = await session.query<Row>(rootsSql(shape, columnsOf(graph, change), true), [[id]]);
  const seen = createSeenRows();
  let fronts: readonly Front[] = seen.unseen([{ change, rows: root }]);
  while (fronts.length > 0) {
    const steps = fronts.flatMap((front) => stepsOf(graph, front));
    yield await reachedClaims(session, steps);
    fronts = seen.unseen(await lockChanged(session, graph, steps));
  }
}

async function reachedClaims(session: SqlSession, steps: readonly Step[]): Promise<readonly Claim[]> {
  const claims = new Map<string, Set<string>>();
  for (const { effect, values } of steps) {
    const { model } = effect;
    if (model !== undefined) {
      const records = await session.query<KeyRow>(reachedSql(effect, model), values);
      const ids = claims.get(model.name) ?? new Set();
      records.forEach((record) => ids.add(idOfRow(model, record)));
      claims.set(model.name, ids);
    }
  }
  return [...claims].map(([name, ids]) => ({ model: name, ids: [...ids] }));
}

async function lockChanged(
  session: SqlSession,
  graph: EffectGraph,
  steps: readonly Step[],
): Promise<readonly Front[]> {
  const fronts: Front[] = [];
  for (const { effect, values } of steps) {
    const columns = effect.next === undefined ? [] : columnsOf(graph, effect.next);
    if (effect.next !== undefined && columns.length > 0) {
      const rows = await session.query<Row>(lockChangedSql(effect, columns), values);
      fronts.push({ change: effect.next, rows });
    }
  }
  return fronts;
}
