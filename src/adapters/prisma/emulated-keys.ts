import type { EmulatedKey, ReferentialAction, TableName } from "../../core/records/model.ts";
import type { ModelDescription, RelationDescription, SchemaDescription } from "./schema-description.ts";

/** The actions of a relation; where the schema leaves one out, those that Prisma takes. */
export function actionsOf(
  { fields }: ModelDescription,
  field: RelationDescription,
): Pick<EmulatedKey, "onDelete" | "onUpdate"> {
  const isRequired = fields.some(({ name, isRequired: is }) => is && field.foreignKey.includes(name));
  const { onDelete = isRequired ? "Restrict" : "SetNull", onUpdate = "Cascade" } = field;
  return { onDelete: onDelete as ReferentialAction, onUpdate: onUpdate as ReferentialAction };
}

/** The foreign keys that the database lacks, of all models: those of a schema with `relationMode = "prisma"`. */
export function emulatedKeysOf({ relationMode, models }: SchemaDescription): readonly EmulatedKey[] {
  if (relationMode !== "prisma") {
    return [];
  }
  return Object.entries(models).flatMap(([name, model]) =>
    model.fields.flatMap((field) => {
      const other = field.kind === "relation" ? models[field.type] : undefined;
      if (field.kind !== "relation" || other === undefined) {
        return [];
      }
      return field.foreignKey.length > 0
        ? [relationKey(model, field, other)]
        : joinTableKey(name, model, field, other);
    }),
  );
}

function relationKey(
  model: ModelDescription,
  field: RelationDescription,
  other: ModelDescription,
): EmulatedKey {
  return {
    from: tableOf(model),
    columns: columnsOf(model, field.foreignKey),
    to: tableOf(other),
    referenced: columnsOf(other, field.references),
    ...actionsOf(model, field),
  };
}

/**
 * The column of a join table that refers to the model, if the relation is many-to-many. Links go with their records, as
 * by the foreign keys that Prisma makes elsewhere. A refers to the model whose name comes first; in a relation of a model
 * with itself, to the record whose field comes first, so each of the two fields names one side.
 */
function joinTableKey(
  name: string,
  model: ModelDescription,
  field: RelationDescription,
  other: ModelDescription,
): readonly EmulatedKey[] {
  const opposite = other.fields.find(
    (candidate) =>
      candidate.kind === "relation" &&
      candidate.relationName === field.relationName &&
      !(field.type === name && candidate.name === field.name),
  );
  if (!field.isList || opposite?.isList !== true) {
    return [];
  }
  const isFirst = field.type === name ? field.name < opposite.name : name < field.type;
  return [
    {
      from: { schema: model.schema ?? "public", table: `_${field.relationName}` },
      columns: [isFirst ? "A" : "B"],
      to: tableOf(model),
      referenced: columnsOf(model, model.primaryKey),
      onDelete: "Cascade",
      onUpdate: "Cascade",
    },
  ];
}

function tableOf({ schema, table }: ModelDescription): TableName {
  return { schema: schema ?? "public", table };
}

function columnsOf(model: ModelDescription, names: readonly string[]): readonly string[] {
  return names.map((wanted) => {
    const field = model.fields.find(({ name }) => name === wanted);
    return field !== undefined && "column" in field ? field.column : wanted;
  });
}
