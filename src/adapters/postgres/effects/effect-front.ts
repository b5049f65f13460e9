import type { Effect, EffectGraph, TableChange } from "./effect-graph.ts";
import { changeId } from "./effect-graph.ts";

/** Values of a row as text, by column. */
export type Row = Readonly<Record<string, string | null>>;

/** Rows, and what happens to them. */
export interface Front {
  readonly change: TableChange;
  readonly rows: readonly Row[];
}

/** What an effect is read with. */
export interface Step {
  readonly effect: Effect;
  /** One array per column of the foreign key. */
  readonly values: readonly (readonly (string | null)[])[];
}

/** The columns whose values the effects of a change are found by; together they tell rows of the table apart. */
export function columnsOf(graph: EffectGraph, change: TableChange): readonly string[] {
  return [...new Set(graph.effectsOf(change).flatMap(({ foreignKey }) => foreignKey.referenced))];
}

/** All that happens at once because of what happens to the rows. */
export function stepsOf(graph: EffectGraph, { change, rows }: Front): readonly Step[] {
  return graph.effectsOf(change).flatMap((effect) => {
    const { referenced } = effect.foreignKey;
    // Nothing refers to what is null.
    const whole = rows.filter((row) => referenced.every((column) => row[column] !== null));
    const values = referenced.map((column) => whole.map((row) => row[column] ?? null));
    return whole.length === 0 ? [] : [{ effect, values }];
  });
}

/** The rows that had their turn, by what happens to them: references may run in circles. */
export interface SeenRows {
  /** Without those that had their turn; from now on, all have. */
  unseen(fronts: readonly Front[]): readonly Front[];
  count(change: TableChange): number;
}

export function createSeenRows(): SeenRows {
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
