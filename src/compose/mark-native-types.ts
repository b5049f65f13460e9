import { refusedSchema } from "../core/records/refused-schema.ts";
import { isAppError } from "../kernel/app-error.ts";
import { nearestName } from "../kernel/nearest-name.ts";
import type { EnumField, EnumType, Field, Model, ModelRegistry } from "../core/records/model.ts";
import { createModelRegistry } from "../core/records/model.ts";
import { serveModel } from "../core/records/serve-model.ts";
import type { TableShape, TableShapes } from "../adapters/postgres/records/table-shape.ts";

/**
 * Adds the columns' native types and the order of enums to the models, and chooses their keys by the types. Native types
 * decide whether two ids mean the same record, and so the same lock: two spellings of a UUID do, two spellings of a text
 * do not.
 * @param problems what is wrong with the schema as far as it is known without the database
 * @throws AppError INVALID_CONFIG for those, and for the tables and columns that the database lacks, all at once;
 *   MIGRATION_FAILED where only the latter are the matter
 */
export async function markNativeTypes(
  models: ModelRegistry,
  shapes: TableShapes,
  problems: readonly string[] = [],
): Promise<ModelRegistry> {
  const enums = models.enums();
  const settled = await Promise.allSettled(
    models.all().map(async (model) => serveModel(markModel(model, await shapes.of(model), enums), enums)),
  );
  const faults = settled.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
  const lacks = faults.filter((fault) => isAppError(fault, "MIGRATION_FAILED"));
  if (lacks.length < faults.length) {
    // Such as a database that went down: what else there is to say of the schema is not known.
    throw faults.find((fault) => !isAppError(fault, "MIGRATION_FAILED"));
  }
  const unsearchable = await searchProblems(models.all(), shapes);
  const all = [...problems, ...unsearchable, ...lacks.map(({ message }) => message)];
  if (all.length > 0) {
    throw refusedSchema(all, all.length === lacks.length ? "MIGRATION_FAILED" : "INVALID_CONFIG");
  }
  const marked = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  return createModelRegistry(marked, enums, models.emulatedKeys);
}

/** The text search configurations that the database lacks. */
async function searchProblems(models: readonly Model[], shapes: TableShapes): Promise<readonly string[]> {
  if (models.every(({ search }) => search === undefined)) {
    return [];
  }
  const { configurations } = await shapes.textTools();
  return models.flatMap(({ name, search }) => {
    if (search === undefined || configurations.has(search.configuration)) {
      return [];
    }
    const nearest = nearestName(search.configuration, [...configurations]);
    const advice = nearest === undefined ? "" : `; did you mean ${nearest}?`;
    return [
      `models.${name}.searchConfiguration: the database has no text search configuration ${search.configuration}${advice}`,
    ];
  });
}

function markModel(model: Model, shape: TableShape, enums: readonly EnumType[]): Model {
  const mark = (field: Field): Field => {
    const column = shape.columns.get(field.name);
    if (column === undefined || field.kind === "relation") {
      return field;
    }
    const { nativeType, isGenerated, enumLabels } = column;
    const known = { nativeType, ...(isGenerated === undefined ? {} : { isGenerated }) };
    return field.kind === "enum" && enumLabels !== undefined
      ? { ...field, ...known, sortedValues: sortValues(field, enumLabels, enums) }
      : { ...field, ...known };
  };
  return { ...model, fields: model.fields.map(mark) };
}

/** The values of the field's enum in the order of the database's labels. */
function sortValues(
  { type, labels }: EnumField,
  enumLabels: readonly string[],
  enums: readonly EnumType[],
): readonly string[] {
  const values = enums.find(({ name }) => name === type)?.values ?? [];
  const byLabel = new Map(values.map((value) => [labels?.[value] ?? value, value]));
  return enumLabels.flatMap((label) => byLabel.get(label) ?? []);
}
