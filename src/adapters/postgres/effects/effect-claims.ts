import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { Claim } from "../../../core/locks/claim.ts";
import type { TableShape } from "../table-shape.ts";
import type { Front, Row, Step } from "./effect-front.ts";
import { columnsOf, createSeenRows, stepsOf } from "./effect-front.ts";
import type { EffectGraph, TableChange } from "./effect-graph.ts";
import { changedSql, reachedSql, rootsSql } from "./effect-statements.ts";
import type { KeyRow } from "./record-ids.ts";
import { idOfRow } from "./record-ids.ts";

/** What is to be read. */
interface SetOfRecords {
  readonly shape: TableShape;
  readonly ids: readonly string[];
  readonly change: TableChange;
  /** Of a model of which more would change, the whole is claimed. */
  readonly maxRecords: number;
}

type Found = Map<string, Set<string> | "all">;

/**
 * The records that changing a set brings change to, as claims. Locks nothing: what hangs on them must be kept as it is
 * by the models' gates. A few statements for each level of references, however many records there are, and never more
 * rows of a table in memory than `maxRecords` besides the set's own: beyond that it looks no further, and all models
 * from there on are claimed whole.
 */
export async function effectClaims(
  session: SqlSession,
  graph: EffectGraph,
  { shape, ids, change, maxRecords }: SetOfRecords,
): Promise<readonly Claim[]> {
  const root = await session.query<Row>(rootsSql(shape, columnsOf(graph, change)), [ids]);
  const seen = createSeenRows();
  const found: Found = new Map();
  let fronts: readonly Front[] = seen.unseen([{ change, rows: root }]);
  while (fronts.length > 0) {
    const next: Front[] = [];
    for (const step of fronts.flatMap((front) => stepsOf(graph, front))) {
      await findReached(session, step, found, maxRecords);
      const rows = await readChanged(session, graph, step, maxRecords);
      const changed = step.effect.next;
      if (changed !== undefined && rows.length + seen.count(changed) > maxRecords) {
        graph.modelsOf(changed).forEach((model) => found.set(model, "all"));
      } else if (changed !== undefined) {
        next.push({ change: changed, rows });
      }
    }
    fronts = seen.unseen(next);
  }
  return [...found].map(([model, claimed]) => ({ model, ids: claimed === "all" ? claimed : [...claimed] }));
}

async function findReached(
  session: SqlSession,
  { effect, values }: Step,
  found: Found,
  maxRecords: number,
): Promise<void> {
  const { model } = effect;
  const known = found.get(model?.name ?? "") ?? new Set<string>();
  if (model === undefined || known === "all") {
    return;
  }
  const rows = await session.query<KeyRow>(reachedSql(effect, model, maxRecords + 1), values);
  rows.forEach((row) => known.add(idOfRow(model, row)));
  found.set(model.name, known.size > maxRecords ? "all" : known);
}

/** Nothing where it ends there. */
async function readChanged(
  session: SqlSession,
  graph: EffectGraph,
  { effect, values }: Step,
  maxRecords: number,
): Promise<readonly Row[]> {
  const columns = effect.next === undefined ? [] : columnsOf(graph, effect.next);
  return columns.length === 0 ? [] : session.query<Row>(changedSql(effect, columns, maxRecords + 1), values);
}
