import { AppError } from "../../kernel/app-error.ts";
import type { Model } from "../../core/records/model.ts";
import { canonicalRecordId } from "../../core/records/record-key.ts";
import type { Task } from "../../core/tasks/task.ts";
import type { GraphQLContext } from "../builder.ts";
import { idsOf } from "../record-ids.ts";
import type { ModelPorts, ModelSchema } from "./model-schema.ts";

/** The most ids of one query. */
export const MAX_IDS = 1000;

/** A record that a task holds. */
interface RecordLock {
  readonly model: string;
  readonly id: string;
  readonly heldBy: Task;
}

/** The query `recordLocks`. */
export function addRecordLocks(schema: ModelSchema): void {
  const { builder, refs } = schema;
  const recordLock = builder.objectRef<RecordLock>("RecordLock").implement({
    description: "A record that a task holds.",
    fields: (t) => ({
      model: t.expose("model", { type: refs.modelName }),
      // Not `id`: caches would take the lock for the record itself.
      recordId: t.exposeID(
        "id",
        idsOf(({ model }: RecordLock) => model),
      ),
      heldBy: t.expose("heldBy", { type: refs.task, description: "The task that holds it, as it is now." }),
    }),
  });
  builder.queryField("recordLocks", (t) =>
    t.field({
      type: [recordLock],
      description: `Which of the records are held now, and by whom, in the order of the ids, each once. Free ones are left out, and so are those that the caller may not see. At most ${MAX_IDS} ids.`,
      args: {
        model: t.arg({ type: refs.modelName, required: true }),
        ids: t.arg.idList({ required: true, ...idsOf(({ model }: { model: string }) => model) }),
      },
      resolve: (_root, { model, ids }, context) =>
        findLocks(schema.ports, context, schema.models.get(model), ids),
    }),
  );
}

async function findLocks(
  ports: ModelPorts,
  context: GraphQLContext,
  model: Model,
  texts: readonly string[],
): Promise<readonly RecordLock[]> {
  const ids = await visibleIds(ports, context, model, parseIds(model, texts));
  const locks = ids.map(async (id) => {
    const heldBy = await ports.lockHolders.of(context, model.name, id);
    return heldBy === undefined ? [] : [{ model: model.name, id, heldBy }];
  });
  return (await Promise.all(locks)).flat();
}

/** The ids in their canonical form, each once. @throws AppError VALIDATION_FAILED */
export function parseIds(model: Model, texts: readonly string[]): readonly string[] {
  if (texts.length > MAX_IDS) {
    throw new AppError(
      "VALIDATION_FAILED",
      `ids can name at most ${MAX_IDS} records, not ${texts.length}. Ask for them in parts.`,
      { details: { field: "ids", max: MAX_IDS } },
    );
  }
  return [...new Set(texts.map((text) => canonicalRecordId(model, text)))];
}

/** Leaves out records out of the viewer's scope: that a record is held shows that it exists. */
async function visibleIds(
  ports: ModelPorts,
  context: GraphQLContext,
  model: Model,
  ids: readonly string[],
): Promise<readonly string[]> {
  const scope = ports.access.scope(model.name, context.viewer, "READ");
  if (scope === undefined) {
    return ids;
  }
  const visible = new Set(await ports.reader.existingIds(model.name, ids, scope));
  return ids.filter((id) => visible.has(id));
}
