import type {
  Preview,
  PreviewField,
  PreviewFigures,
  PreviewRecord,
  PreviewValues,
  ShowPreviews,
} from "../../core/bulk/preview.ts";
import {
  checkPreviewSize,
  DEFAULT_PREVIEW_RECORDS,
  MAX_PREVIEW_RECORDS,
  MAX_PREVIEW_VALUES,
} from "../../core/bulk/preview.ts";
import type { Model } from "../../core/records/model.ts";
import type { WriteId } from "../../core/records/typed-id.ts";
import { createTypedIdWriter, writePlainId } from "../../core/records/typed-id.ts";
import { ALL_SEEN, HIDDEN_WORDS } from "../../core/tasks/task-sight.ts";
import { createBatchLoader } from "../batch-loader.ts";
import type { SchemaContext } from "../builder.ts";
import { idsOf } from "../record-ids.ts";
import type { TaskParts } from "./task-parts.ts";

/** A preview, and how the ids of records are written. */
interface ShownPreview {
  readonly preview: Preview;
  readonly model: Model;
  readonly writeId: WriteId;
  /** See TaskSight. */
  readonly seesValues: boolean;
}

type Part<Shown> = Shown & Omit<ShownPreview, "preview">;

/** Adds `Task.preview`. */
export function addTaskPreview(schema: SchemaContext, parts: TaskParts, showPreviews: ShowPreviews): void {
  const { builder, refs, models, node, sight = ALL_SEEN } = schema;
  const writeId = node === undefined ? writePlainId : createTypedIdWriter(models);
  const load = createBatchLoader<Preview>(async ({ viewer }, keys) => {
    const asked = keys.map(
      (key) => JSON.parse(key) as readonly [id: string, model: string | null, first: number],
    );
    const found = new Map<string, Preview>();
    for (const first of new Set(asked.map(([, , each]) => each))) {
      const tasks = asked.flatMap(([id, model, each]) => (each === first ? [{ id, model }] : []));
      const shown = await showPreviews(viewer, tasks, first);
      tasks.forEach(({ id, model }) => {
        const preview = shown.get(id);
        if (preview !== undefined) {
          found.set(JSON.stringify([id, model, first]), preview);
        }
      });
    }
    return found;
  });
  const preview = definePreview(schema, parts);
  builder.objectField(refs.task, "preview", (t) =>
    t.field({
      type: preview,
      nullable: true,
      description: `Of a bulk operation's dry run that has ended: what it would have changed, as far as the caller may read it. Null for other tasks, where the caller may not read the model, and where the database let no preview be taken.`,
      args: {
        first: t.arg.int({
          defaultValue: DEFAULT_PREVIEW_RECORDS,
          description: `How many records to show, at most ${MAX_PREVIEW_RECORDS}.`,
        }),
      },
      resolve: async (task, { first }, context) => {
        const { id, model, isDryRun } = task;
        const count = first ?? DEFAULT_PREVIEW_RECORDS;
        checkPreviewSize(count);
        const shown =
          isDryRun && model !== null ? await load(context, JSON.stringify([id, model, count])) : undefined;
        const seesValues = sight.seesValues(context.viewer, task);
        return shown === undefined
          ? null
          : { preview: shown, model: models.get(model ?? ""), writeId, seesValues };
      },
    }),
  );
}

function definePreview(schema: SchemaContext, parts: TaskParts) {
  const { builder } = schema;
  const record = defineRecord(schema, parts);
  const field = defineField(schema);
  return builder.objectRef<ShownPreview>("TaskPreview").implement({
    description: "What a dry run would have changed.",
    fields: (t) => ({
      records: t.field({
        type: [record],
        description:
          "A sample, spread over the selection: records that would change before others, and always some of those that would fail.",
        resolve: ({ preview, ...rest }) => preview.records.map((each) => ({ ...each, ...rest })),
      }),
      fields: t.field({
        type: [field],
        description:
          "What would become of each field that the operation changes, over all records that would be written. Empty for a delete, for a run that would have changed nothing, and where some of the records may be out of the caller's reach.",
        resolve: ({ preview, ...rest }) => preview.fields.map((each) => ({ ...each, ...rest })),
      }),
    }),
  });
}

function defineRecord({ builder }: SchemaContext, parts: TaskParts) {
  return builder.objectRef<Part<PreviewRecord>>("TaskPreviewRecord").implement({
    description: "One of a dry run's records, as it was and as it would be.",
    fields: (t) => ({
      recordId: t.exposeID("recordId", {
        description:
          "Its id; of a record that was named by a key and not written, its name. A record that is created later may get another id.",
        ...idsOf(({ model }: Part<PreviewRecord>) => model.name),
      }),
      before: t.field({
        type: "JSON",
        nullable: true,
        description:
          "The values as they were, by field, as the API writes them; of a many-to-many relation, the ids. Fields that would not change are left out, but for deletes. Null for a new record. A value of more than 8,000 bytes is cut to the first 1,000 characters of its text.",
        resolve: ({ before, ...rest }) => withIds(rest, before),
      }),
      after: t.field({
        type: "JSON",
        nullable: true,
        description:
          "The values as they would be. Null for a record that would be deleted, or that would fail.",
        resolve: ({ after, ...rest }) => withIds(rest, after),
      }),
      error: t.field({
        type: parts.error,
        nullable: true,
        description: "Why it would not be written.",
        resolve: ({ error, model, seesValues }) =>
          error === undefined
            ? null
            : { model: model.name, position: 0, ...error, ...(seesValues ? {} : { message: HIDDEN_WORDS }) },
      }),
    }),
  });
}

function defineField({ builder }: SchemaContext) {
  const value = builder.objectRef<{ readonly value: unknown; readonly count: number }>("TaskPreviewValue");
  value.implement({
    description: "A value that records would get.",
    fields: (t) => ({
      value: t.field({ type: "JSON", nullable: true, resolve: (each) => each.value }),
      count: t.exposeInt("count", { description: "In how many records." }),
    }),
  });
  const figures = builder.objectRef<PreviewFigures>("TaskPreviewFigures");
  figures.implement({
    description:
      "Figures over a field of numbers, written as those of aggregates are. Null where there are no values.",
    fields: (t) => ({
      min: t.field({ type: "JSON", nullable: true, resolve: ({ min }) => min }),
      max: t.field({ type: "JSON", nullable: true, resolve: ({ max }) => max }),
      sum: t.field({ type: "JSON", nullable: true, resolve: ({ sum }) => sum }),
    }),
  });
  return builder.objectRef<Part<PreviewField>>("TaskPreviewField").implement({
    description: "What would become of one field, over all records that would be written.",
    fields: (t) => ({
      field: t.exposeString("field"),
      changed: t.exposeInt("changed", { description: "In how many records it would get another value." }),
      values: t.field({
        type: [value],
        description: `To which values, the most frequent first; at most ${MAX_PREVIEW_VALUES}.`,
        resolve: ({ values, field, ...rest }) =>
          values.map((each) => ({ ...each, value: withId(rest, field, each.value) })),
      }),
      valueCount: t.exposeInt("valueCount", { description: "To how many different values." }),
      before: t.field({
        type: figures,
        nullable: true,
        description: "The figures as they are. Null for other fields than numbers.",
        resolve: ({ before }) => before,
      }),
      after: t.field({
        type: figures,
        nullable: true,
        description: "The figures as they would be.",
        resolve: ({ after }) => after,
      }),
    }),
  });
}

/** Values by field, with the ids of linked records as the API writes them. */
function withIds(
  { model, writeId }: Pick<ShownPreview, "model" | "writeId">,
  values: PreviewValues | null,
): unknown {
  return (
    values &&
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, withId({ model, writeId }, name, value)]),
    )
  );
}

function withId(
  { model, writeId }: Pick<ShownPreview, "model" | "writeId">,
  name: string,
  value: unknown,
): unknown {
  const field = model.fields.find(({ apiName }) => apiName === name);
  return field?.kind === "relation" && Array.isArray(value)
    ? value.map((id) => writeId(field.type, String(id)))
    : value;
}
