import type {
  Preview,
  PreviewField,
  PreviewFigures,
  PreviewRecord,
  PreviewValues,
  ShowPreviews,
} from "../../core/bulk/preview.ts";
import { MAX_PREVIEW_RECORDS, MAX_PREVIEW_VALUES } from "../../core/bulk/preview.ts";
import type { Field, Model, ModelRegistry } from "../../core/records/model.ts";
import type { WriteId } from "../../core/records/typed-id.ts";
import { createTypedIdWriter, writePlainId } from "../../core/records/typed-id.ts";
import { AppError } from "../../kernel/app-error.ts";
import { createBatchLoader } from "../batch-loader.ts";
import type { SchemaContext } from "../builder.ts";
import { idsOf } from "../record-ids.ts";
import { BIG_INT_SCALAR, BYTES_SCALAR } from "../scalars.ts";
import type { TaskParts } from "./task-parts.ts";

const DEFAULT_RECORDS = 20;

/** A preview, and how its values are written. */
interface ShownPreview {
  readonly preview: Preview;
  readonly model: Model;
  readonly spell: Spell;
}

type Part<Shown> = Shown & Omit<ShownPreview, "preview">;
type Spell = (field: Field, value: unknown) => unknown;

/** Adds `Task.preview`. */
export function addTaskPreview(schema: SchemaContext, parts: TaskParts, showPreviews: ShowPreviews): void {
  const { builder, refs, models, node } = schema;
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
          defaultValue: DEFAULT_RECORDS,
          description: `How many records to show, at most ${MAX_PREVIEW_RECORDS}.`,
        }),
      },
      resolve: async ({ id, model, isDryRun }, { first }, context) => {
        const count = checkedCount(first ?? DEFAULT_RECORDS);
        const shown =
          isDryRun && model !== null ? await load(context, JSON.stringify([id, model, count])) : undefined;
        return shown === undefined
          ? null
          : { preview: shown, model: models.get(model ?? ""), spell: spellerOf(models, writeId) };
      },
    }),
  );
}

function checkedCount(first: number): number {
  if (first < 0 || first > MAX_PREVIEW_RECORDS) {
    throw new AppError("VALIDATION_FAILED", `first must be from 0 to ${MAX_PREVIEW_RECORDS}, not ${first}.`, {
      details: { field: "first", max: MAX_PREVIEW_RECORDS },
    });
  }
  return first;
}

// oxlint-disable-next-line typescript/explicit-function-return-type -- Pothos' refs are best inferred
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
        resolve: ({ before, model, spell }) => spellValues(model, spell, before),
      }),
      after: t.field({
        type: "JSON",
        nullable: true,
        description:
          "The values as they would be. Null for a record that would be deleted, or that would fail.",
        resolve: ({ after, model, spell }) => spellValues(model, spell, after),
      }),
      error: t.field({
        type: parts.error,
        nullable: true,
        description: "Why it would not be written.",
        resolve: ({ error, model }) =>
          error === undefined ? null : { model: model.name, position: 0, ...error },
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
  const spelled = (
    { field, model, spell }: Part<PreviewField>,
    each: PreviewFigures | null,
  ): PreviewFigures | null => {
    const known = fieldOf(model, field);
    return each && known
      ? { min: spell(known, each.min), max: spell(known, each.max), sum: spell(known, each.sum) }
      : null;
  };
  return builder.objectRef<Part<PreviewField>>("TaskPreviewField").implement({
    description: "What would become of one field, over all records that would be written.",
    fields: (t) => ({
      field: t.string({ resolve: ({ field, model }) => fieldOf(model, field)?.apiName ?? field }),
      changed: t.exposeInt("changed", { description: "In how many records it would get another value." }),
      values: t.field({
        type: [value],
        description: `To which values, the most frequent first; at most ${MAX_PREVIEW_VALUES}.`,
        resolve: ({ values, field, model, spell }) => {
          const known = fieldOf(model, field);
          return values.map((each) => ({ ...each, value: known && spell(known, each.value) }));
        },
      }),
      valueCount: t.exposeInt("valueCount", { description: "To how many different values." }),
      before: t.field({
        type: figures,
        nullable: true,
        description: "The figures as they are. Null for other fields than numbers.",
        resolve: (each) => spelled(each, each.before),
      }),
      after: t.field({
        type: figures,
        nullable: true,
        description: "The figures as they would be.",
        resolve: (each) => spelled(each, each.after),
      }),
    }),
  });
}

function fieldOf(model: Model, name: string): Field | undefined {
  return model.fields.find((field) => field.name === name);
}

function spellValues(model: Model, spell: Spell, values: PreviewValues | null): unknown {
  return (
    values &&
    Object.fromEntries(
      Object.entries(values).flatMap(([name, value]) => {
        const field = fieldOf(model, name);
        return field === undefined ? [] : [[field.apiName, spell(field, value)]];
      }),
    )
  );
}

/** Writes values as the scalars of their fields do. JSON has no other way for numbers that are none, so they are texts. */
function spellerOf(models: ModelRegistry, writeId: WriteId): Spell {
  const spell = (value: unknown): unknown => {
    if (typeof value === "bigint") {
      return BIG_INT_SCALAR.serialize(value);
    }
    if (typeof value === "number") {
      return Number.isFinite(value) ? value : String(value);
    }
    if (value instanceof Date) {
      return Number.isNaN(value.getTime()) ? null : value.toISOString();
    }
    return value instanceof Uint8Array
      ? BYTES_SCALAR.serialize(value)
      : isDecimal(value)
        ? String(value)
        : value;
  };
  return (field, value) => {
    if (field.kind === "relation") {
      return Array.isArray(value)
        ? value.map((id) => writeId(models.get(field.type).name, String(id)))
        : value;
    }
    if (field.type === "Json") {
      return value;
    }
    return field.isList && Array.isArray(value) ? value.map(spell) : spell(value);
  };
}

/** Prisma's Decimal: the only objects that are left. */
function isDecimal(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
