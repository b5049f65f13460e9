import type { Effect, EffectGraph, TableChange } from "./effect-graph.ts";
import { changeId } from "./effect-graph.ts";
import { changedSql, lockChangedSql, reachedSql, rootsSql } from "./effect-statements.ts";
import type { KeyRow } from "../records/record-ids.ts";
import { idOfRow } from "../records/record-ids.ts";
import type { TableShape } from "../records/table-shape.ts";
import type { Claim } from "../../../core/locks/claim.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";

/** Values of a row as text, by column. */
type Row = Readonly<Record<string, string | null>>;

/** Rows with the change that happens to them. */
interface Front {
  readonly change: TableChange;
  readonly rows: readonly Row[];
}

/** An effect with the values of the rows that cause it. */
interface Step {
  readonly effect: Effect;
  /** One array per column of the foreign key. */
  readonly values: readonly (readonly (string | null)[])[];
}

/** The columns that the effects of a change are looked up by. */
function columnsOf(graph: EffectGraph, change: TableChange): readonly string[] {
  return [...new Set(graph.effectsOf(change).flatMap(({ foreignKey }) => foreignKey.referenced))];
}

/** The direct effects of a change to the rows. */
function stepsOf(graph: EffectGraph, { change, rows }: Front): readonly Step[] {
  return graph.effectsOf(change).flatMap((effect) => {
    const { referenced } = effect.foreignKey;
    // No row refers to a null.
    const whole = rows.filter((row) => referenced.every((column) => row[column] !== null));
    const values = referenced.map((column) => whole.map((row) => row[column] ?? null));
    return whole.length === 0 ? [] : [{ effect, values }];
  });
}

/** Remembers the rows that were followed, by change, since references may run in circles. */
interface SeenRows {
  /** Keeps only rows that were not followed before, and remembers them. */
  unseen(fronts: readonly Front[]): readonly Front[];
  count(change: TableChange): number;
}

function createSeenRows(): SeenRows {
  const seen = new Map<string, Set<string>>();
  return {
    unseen: (fronts) =>
      fronts.flatMap(({ change, rows }) => {
        const at = changeId(change);
        const known = seen.get(at) ?? new Set();
        seen.set(at, known);
        const fresh = rows.filter((row) => {
          const id = JSON.stringify(row);
          return !known.has(id) && known.add(id);
        });
        return fresh.length === 0 ? [] : [{ change, rows: fresh }];
      }),
    count: (change) => seen.get(changeId(change))?.size ?? 0,
  };
}

/** The most records of a set in one statement: more of them, and what is read for them, would hold up other requests. */
const RECORDS_AT_ONCE = 10_000;

/** The ids in parts that are short enough for one statement. */
export function* partsOf(ids: readonly string[]): Generator<readonly string[]> {
  for (let from = 0; from < ids.length; from += RECORDS_AT_ONCE) {
    yield ids.slice(from, from + RECORDS_AT_ONCE);
  }
}

/** The records whose effects are looked up. */
interface SetOfRecords {
  readonly shape: TableShape;
  readonly ids: readonly string[];
  readonly change: TableChange;
  /** Above this many changed records of a model, the whole model is claimed. */
  readonly maxRecords: number;
}

type Found = Map<string, Set<string> | "all">;

/**
 * The records that would change along with a set of records, as claims. Locks no rows: the models' gates keep other writers
 * away. Takes a few statements per level of references for each {@link RECORDS_AT_ONCE} of the set. It keeps at most
 * `maxRecords` rows of a table in memory; beyond that it stops looking, and claims all models from there on whole.
 */
export async function effectClaims(
  session: SqlSession,
  graph: EffectGraph,
  { shape, ids, change, maxRecords }: SetOfRecords,
): Promise<readonly Claim[]> {
  const seen = createSeenRows();
  const found: Found = new Map();
  const columns = columnsOf(graph, change);
  const isComplete = (): boolean => graph.modelsOf(change).every((model) => found.get(model) === "all");
  for (const part of partsOf(ids)) {
    if (isComplete()) {
      break;
    }
    const root = await session.query<Row>(rootsSql(shape, columns), [part]);
    let fronts: readonly Front[] = [{ change, rows: root }];
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

/** The rows that the effect changes; none if their change has no effects. */
async function readChanged(
  session: SqlSession,
  graph: EffectGraph,
  { effect, values }: Step,
  maxRecords: number,
): Promise<readonly Row[]> {
  const columns = effect.next === undefined ? [] : columnsOf(graph, effect.next);
  return columns.length === 0 ? [] : session.query<Row>(changedSql(effect, columns, maxRecords + 1), values);
}

/**
 * The records that change along with one record, in waves; see core's EffectPlan. A wave takes one look-up per foreign key,
 * however many records there are, and a second one if the rows can have effects of their own. Rows are locked only after
 * their records are guarded. So this never waits for a task that is working on them, and never deadlocks with it.
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
