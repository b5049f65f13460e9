import type { Claim } from "../../../core/locks/claim.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { Model, ModelRegistry } from "../../../core/records/model.ts";
import { columnsOf, hasIds, relationsOf } from "../../../core/records/model.ts";
import type {
  EffectPlan,
  Reference,
  ReferencePlan,
  SideEffects,
  UpdatedFields,
} from "../../../core/records/side-effects.ts";
import { requiredSession } from "../../../core/transactions/transaction.ts";
import type { JoinTable, TableShape, TableShapes } from "../records/table-shape.ts";
import { translatedSession } from "../connection/pg-session.ts";
import { lockRecordsSql } from "../sql/bulk-record-set.ts";
import { effectClaims, effectWaves, partsOf } from "./follow-effects.ts";
import type { EffectGraph, TableChange } from "./effect-graph.ts";
import { createEffectGraph } from "./effect-graph.ts";
import { linkedSql } from "./effect-statements.ts";
import type { EmulatedKeys, ForeignKey } from "./foreign-keys.ts";
import { readForeignKeys } from "./foreign-keys.ts";
import type { KeyRow } from "../records/record-ids.ts";
import { idOfRow } from "../records/record-ids.ts";
import type { ReferencePath } from "./reference-paths.ts";
import { referencePaths, referenceSql } from "./reference-paths.ts";

/** What side effects are found with. */
export interface SideEffectPorts {
  /** For the catalog. */
  readonly session: SqlSession;
  readonly shapes: TableShapes;
  readonly models: ModelRegistry;
  readonly emulatedKeys: EmulatedKeys;
}

/** The foreign keys of the database, and the emulated ones. */
interface Catalog {
  readonly foreignKeys: readonly ForeignKey[];
  readonly graph: EffectGraph;
}

/**
 * Finds side effects with the database's catalog, since the database, not the data model, carries them out. Foreign keys
 * are read on first use and kept: migrations run before the service starts. Works in any transaction with a session.
 */
export function createPostgresSideEffects(ports: SideEffectPorts): SideEffects {
  const { session, shapes, models, emulatedKeys } = ports;
  const lockable = models.all().filter(hasIds);
  let reading: Promise<Catalog> | undefined;
  const catalog = (): Promise<Catalog> => {
    reading ??= Promise.all([readForeignKeys(session), emulatedKeys()]).then(
      (keys) => ({ foreignKeys: keys.flat(), graph: createEffectGraph(keys.flat(), lockable) }),
      (error: unknown) => {
        reading = undefined;
        throw error;
      },
    );
    return reading;
  };
  return keepFound({
    async ofDelete(model) {
      const { schema, table } = model;
      const { graph } = await catalog();
      return planOf(await shapes.of(model), graph, { schema, table, changed: undefined }, []);
    },
    async ofUpdate(model, { columns, replaced }) {
      const { graph } = await catalog();
      const shape = await shapes.of(model);
      // A column may be set to the value that it already has. Only the database could see that, so it counts as changed.
      const changed = columnsOf(model).filter(({ name }) => columns.includes(name));
      const change = graph.updateOf(
        model,
        changed.map(({ column }) => column),
      );
      const dropped = relationsOf(model).flatMap(({ name, type }) => {
        const join = replaced.includes(name) ? shape.joinTables.get(name) : undefined;
        return join === undefined ? [] : [{ join, target: models.get(type) }];
      });
      return planOf(shape, graph, change, dropped);
    },
    async references(model, fields) {
      const { foreignKeys } = await catalog();
      const columns = columnsOf(model).filter(({ name }) => fields.includes(name));
      const names = columns.map(({ column }) => column);
      const paths = referencePaths(foreignKeys, lockable, model, names);
      return paths.length === 0 ? undefined : referencePlan(shapes, model, paths);
    },
  });
}

/** The same, found once for each model and its fields: neither the catalog nor the tables are read again. */
function keepFound(effects: SideEffects): SideEffects {
  const deletes = keepBy(
    (model: Model) => effects.ofDelete(model),
    () => "",
  );
  const updates = keepBy(
    (model: Model, updated: UpdatedFields) => effects.ofUpdate(model, updated),
    ({ columns, replaced }) => `${columns.join()} ${replaced.join()}`,
  );
  const references = keepBy(
    (model: Model, fields: readonly string[]) => effects.references(model, fields),
    (fields) => fields.join(),
  );
  return {
    ofDelete: (model) => deletes(model, undefined),
    ofUpdate: updates,
    references,
  };
}

/** The most plans of one model: callers choose the fields. */
const MAX_KEPT = 500;

function keepBy<About, Plan>(
  find: (model: Model, about: About) => Promise<Plan>,
  keyOf: (about: About) => string,
): (model: Model, about: About) => Promise<Plan> {
  const kept = new WeakMap<Model, Map<string, Promise<Plan>>>();
  return (model, about) => {
    const plans = kept.get(model) ?? new Map<string, Promise<Plan>>();
    const key = keyOf(about);
    const known = plans.get(key);
    if (known !== undefined) {
      return known;
    }
    if (plans.size >= MAX_KEPT) {
      plans.clear();
    }
    const found = find(model, about);
    kept.set(model, plans.set(key, found));
    // What could not be read is looked for again.
    found.catch(() => plans.delete(key));
    return found;
  };
}

/** @param dropped links that the write replaces */
function planOf(
  shape: TableShape,
  graph: EffectGraph,
  change: TableChange,
  dropped: readonly DroppedLinks[],
): EffectPlan | undefined {
  const reached = [...dropped.map(({ target }) => target.name), ...graph.modelsOf(change)];
  if (reached.length === 0) {
    return undefined;
  }
  return {
    models: [...new Set(reached)],
    async *waves(transaction, id) {
      const session = requiredSession(transaction);
      if (dropped.length > 0) {
        await session.query(lockRecordsSql(shape), [[id]]);
        yield await linkedClaims(session, shape, dropped, [id]);
      }
      if (graph.modelsOf(change).length > 0) {
        yield* effectWaves(session, graph, shape, change, id);
      }
    },
    async claims(transaction, ids, maxRecords) {
      const session = translatedSession(requiredSession(transaction));
      return [
        ...(await linkedClaims(session, shape, dropped, ids, maxRecords)),
        ...(await effectClaims(session, graph, { shape, ids, change, maxRecords })),
      ];
    },
  };
}

/** The links of one relation that a write replaces. */
interface DroppedLinks {
  readonly join: JoinTable;
  readonly target: Model;
}

/** Claims the records that are now linked with the given ones. @param maxRecords above this, claims the whole model */
async function linkedClaims(
  session: SqlSession,
  shape: TableShape,
  dropped: readonly DroppedLinks[],
  ids: readonly string[],
  maxRecords?: number,
): Promise<readonly Claim[]> {
  const claims: Claim[] = [];
  for (const { join, target } of dropped) {
    const limit = maxRecords === undefined ? undefined : maxRecords + 1;
    const text = linkedSql(shape, join, target, limit);
    const linked = new Set<string>();
    const isWhole = (): boolean => maxRecords !== undefined && linked.size > maxRecords;
    for (const part of partsOf(ids)) {
      const rows = isWhole() ? [] : await session.query<KeyRow>(text, [part]);
      rows.forEach((row) => linked.add(idOfRow(target, row)));
    }
    claims.push({ model: target.name, ids: isWhole() ? "all" : [...linked] });
  }
  return claims;
}

async function referencePlan(
  shapes: TableShapes,
  model: Model,
  paths: readonly ReferencePath[],
): Promise<ReferencePlan> {
  const shape = await shapes.of(model);
  return {
    models: [...new Set(paths.map((path) => path.model.name))],
    async of(transaction, ids) {
      const within = translatedSession(requiredSession(transaction));
      const references: Reference[] = [];
      for (const path of paths) {
        const rows = await within.query<KeyRow & { readonly record: string }>(referenceSql(shape, path), [
          ids,
        ]);
        const parent = path.model;
        references.push(
          ...rows.map((row) => ({ record: row.record, model: parent.name, id: idOfRow(parent, row) })),
        );
      }
      return references;
    },
  };
}
