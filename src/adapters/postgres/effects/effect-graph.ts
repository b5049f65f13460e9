import type { Model, TableName } from "../../../core/records/model.ts";
import type { ForeignKey, ReferentialAction } from "./foreign-keys.ts";
import { isSameTable } from "./foreign-keys.ts";

/** A change to rows of a table: they are deleted, or some of their columns change. */
export interface TableChange extends TableName {
  /** Undefined: the rows are deleted. */
  readonly changed: readonly string[] | undefined;
}

/** The consequence of a change over one foreign key. */
export interface Effect {
  readonly foreignKey: ForeignKey;
  /** The exposed model whose records are affected, if there is one. */
  readonly model: Model | undefined;
  /** The columns of the referring table with those records' keys, in the order of the model's key. */
  readonly keyColumns: readonly string[];
  /** The change to the referring rows, which may have effects of its own; undefined for join tables, where effects end. */
  readonly next: TableChange | undefined;
}

/** Follows the database's referential actions from table to table. */
export interface EffectGraph {
  /** The change that writing the columns makes; only columns that a foreign key refers to count. */
  updateOf(table: TableName, columns: readonly string[]): TableChange;
  /** The direct effects of the change, without those that never lead to a record of an exposed model. */
  effectsOf(change: TableChange): readonly Effect[];
  /** The names of all models that the change reaches, directly or not. */
  modelsOf(change: TableChange): readonly string[];
}

/** @param foreignKeys all foreign keys of the database @param models those whose records have ids */
export function createEffectGraph(foreignKeys: readonly ForeignKey[], models: readonly Model[]): EffectGraph {
  const byTable = new Map(models.map((model) => [tableId(model), model]));
  const modelAt = (table: TableName): Model | undefined => byTable.get(tableId(table));
  const all = remembered((change) =>
    foreignKeys.flatMap((foreignKey) => {
      const action = isSameTable(foreignKey.to, change) ? actionOf(foreignKey, change) : "REFUSE";
      const isGone = change.changed === undefined && action === "CASCADE";
      return action === "REFUSE" ? [] : [effectOf(foreignKeys, modelAt, foreignKey, isGone)];
    }),
  );
  const reached = (effects: readonly Effect[]): ReadonlySet<string> => {
    const seen = new Set<string>();
    const names = new Set<string>();
    const open = [...effects];
    for (let effect = open.pop(); effect !== undefined; effect = open.pop()) {
      const { model, next } = effect;
      if (model !== undefined) {
        names.add(model.name);
      }
      if (next !== undefined && !seen.has(changeId(next))) {
        seen.add(changeId(next));
        open.push(...all(next));
      }
    }
    return names;
  };
  return {
    updateOf({ schema, table }, columns) {
      const referenced = new Set(
        foreignKeys.filter(({ to }) => isSameTable(to, { schema, table })).flatMap((key) => key.referenced),
      );
      return { schema, table, changed: columns.filter((column) => referenced.has(column)).toSorted() };
    },
    effectsOf: remembered((change) => all(change).filter((effect) => reached([effect]).size > 0)),
    modelsOf: remembered((change) => [...reached(all(change))]),
  };
}

/** Caches answers: the catalog is read only once, and there are few different changes. */
function remembered<Answer>(answer: (change: TableChange) => Answer): (change: TableChange) => Answer {
  const answers = new Map<string, { readonly answer: Answer }>();
  return (change) => {
    const id = changeId(change);
    const known = answers.get(id) ?? { answer: answer(change) };
    answers.set(id, known);
    return known.answer;
  };
}

/** Equal for equal changes. */
export function changeId({ schema, table, changed }: TableChange): string {
  return JSON.stringify([schema, table, changed]);
}

function tableId({ schema, table }: TableName): string {
  return JSON.stringify([schema, table]);
}

function actionOf(
  { onDelete, onUpdate, referenced }: ForeignKey,
  { changed }: TableChange,
): ReferentialAction {
  if (changed === undefined) {
    return onDelete;
  }
  return referenced.some((column) => changed.includes(column)) ? onUpdate : "REFUSE";
}

function effectOf(
  foreignKeys: readonly ForeignKey[],
  modelAt: (table: TableName) => Model | undefined,
  foreignKey: ForeignKey,
  isGone: boolean,
): Effect {
  const farEnd =
    isGone && modelAt(foreignKey.from) === undefined ? farEndOf(foreignKeys, foreignKey) : undefined;
  if (farEnd !== undefined) {
    const linked = modelAt(farEnd.to);
    const isById = linked?.key.map(({ column }) => column).join() === farEnd.referenced.join();
    return { foreignKey, model: isById ? linked : undefined, keyColumns: farEnd.columns, next: undefined };
  }
  const model = modelAt(foreignKey.from);
  return {
    foreignKey,
    model,
    keyColumns: model?.key.map((field) => field.column) ?? [],
    next: { ...foreignKey.from, changed: isGone ? undefined : foreignKey.columns },
  };
}

/** The foreign key on the other side of a join table as Prisma makes it, with the columns A and B. */
function farEndOf(foreignKeys: readonly ForeignKey[], nearEnd: ForeignKey): ForeignKey | undefined {
  const [near, ...others] = nearEnd.columns;
  const far = { A: "B", B: "A" }[near ?? ""];
  return others.length > 0 || far === undefined || !nearEnd.from.table.startsWith("_")
    ? undefined
    : foreignKeys.find(
        ({ from, columns }) => isSameTable(from, nearEnd.from) && columns.length === 1 && columns[0] === far,
      );
}
