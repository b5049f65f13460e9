import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { Model, ModelRegistry } from "../../../core/records/model.ts";
import { columnsOf } from "../../../core/records/model.ts";
import type { Reference, ReferencePlan } from "../../../core/records/reference-plan.ts";
import type { EffectPlan, SideEffects } from "../../../core/records/side-effects.ts";
import { requiredSession } from "../../../core/transactions/required-session.ts";
import type { TableShapes } from "../table-shape.ts";
import { translatedSession } from "../pg-session.ts";
import { effectClaims } from "./effect-claims.ts";
import type { EffectGraph, TableChange } from "./effect-graph.ts";
import { createEffectGraph } from "./effect-graph.ts";
import { effectWaves } from "./effect-waves.ts";
import type { ForeignKey } from "./foreign-keys.ts";
import { readForeignKeys } from "./foreign-keys.ts";
import type { KeyRow } from "./record-ids.ts";
import { idOfRow } from "./record-ids.ts";
import type { ReferencePath } from "./reference-paths.ts";
import { referencePaths } from "./reference-paths.ts";
import { referenceSql } from "./reference-sql.ts";

/** What side effects are found with. */
export interface SideEffectPorts {
  /** For the catalog. */
  readonly session: SqlSession;
  readonly shapes: TableShapes;
  readonly models: ModelRegistry;
}

/** What the catalog tells. */
interface Catalog {
  readonly foreignKeys: readonly ForeignKey[];
  readonly graph: EffectGraph;
}

/**
 * Side effects as the database's own catalog tells them: it, not the data model, is what acts. Foreign keys are read on
 * first use; migrations run before the service starts. Works in every transaction that has a session.
 */
export function createPostgresSideEffects({ session, shapes, models }: SideEffectPorts): SideEffects {
  let reading: Promise<Catalog> | undefined;
  const catalog = (): Promise<Catalog> => {
    reading ??= readForeignKeys(session).then(
      (foreignKeys) => ({ foreignKeys, graph: createEffectGraph(foreignKeys, models.all()) }),
      (error: unknown) => {
        reading = undefined;
        throw error;
      },
    );
    return reading;
  };
  return {
    async ofDelete(model) {
      const { schema, table } = model;
      const { graph } = await catalog();
      return planOf(shapes, graph, model, { schema, table, changed: undefined });
    },
    async ofUpdate(model, data) {
      const { graph } = await catalog();
      // A value that the record has already changes nothing, but only the database could tell that it is the same.
      const changed = columnsOf(model).filter(({ name }) => data[name] !== undefined);
      const columns = changed.map(({ column }) => column);
      return planOf(shapes, graph, model, graph.updateOf(model, columns));
    },
    async references(model, fields) {
      const { foreignKeys } = await catalog();
      const columns = columnsOf(model).filter(({ name }) => fields.includes(name));
      const names = columns.map(({ column }) => column);
      const paths = referencePaths(foreignKeys, models.all(), model, names);
      return paths.length === 0 ? undefined : referencePlan(shapes, model, paths);
    },
  };
}

async function planOf(
  shapes: TableShapes,
  graph: EffectGraph,
  model: Model,
  change: TableChange,
): Promise<EffectPlan | undefined> {
  const reached = graph.modelsOf(change);
  if (reached.length === 0) {
    return undefined;
  }
  // Read here: within the transaction it would take a second connection.
  const shape = await shapes.of(model);
  return {
    models: reached,
    waves: (transaction, key) => effectWaves(requiredSession(transaction), graph, model, change, key),
    async claims(transaction, ids, maxRecords) {
      const within = translatedSession(requiredSession(transaction));
      return effectClaims(within, graph, { shape, ids, change, maxRecords });
    },
  };
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
