import { AppError } from "../../kernel/app-error.ts";
import type { Model, ModelRegistry } from "../../core/records/model.ts";

/** The names that a model goes by. */
export interface ModelNames {
  /** `city` */
  readonly one: string;
  /** `cities` */
  readonly many: string;
  /** `Cities`, for `bulkUpdateCities` */
  readonly Many: string;
}

/** The names of the model's fields. Types begin with the model's own name. */
export function namesOf(model: Model): ModelNames {
  const { name, plural } = model;
  return {
    one: `${name.charAt(0).toLowerCase()}${name.slice(1)}`,
    many: plural,
    Many: `${plural.charAt(0).toUpperCase()}${plural.slice(1)}`,
  };
}

/** Types and root fields that the schema has besides those of models. */
const RESERVED = new Set(
  (
    "Query Mutation Subscription Error PageInfo Task Tasks Health ModelName SortOrder NullableSortOrder QueryMode BulkOptions " +
    "RecordLock RecordConflict FieldProblem LaunchResult TaskLaunched TaskEvent TaskProgress TaskStatus TaskError OnConflict " +
    "ErrorPolicy RunMode ManyChange CancelAccepted CancelTaskResult TaskSettledError String Int Float Boolean ID BigInt DateTime Decimal JSON Bytes"
  ).split(" "),
);

/** Fields that every record type has, whatever its columns. */
const RESERVED_FIELDS: ReadonlySet<string> = new Set(["activeTask"]);

/** @throws AppError INVALID_CONFIG for a model, enum or field whose name the schema needs for itself, or that GraphQL does not take */
export function checkNames(models: ModelRegistry): void {
  const names = [...models.all().map((model) => model.name), ...models.enums().map((type) => type.name)];
  for (const name of names) {
    if (RESERVED.has(name) || name.startsWith("__")) {
      throw new AppError(
        "INVALID_CONFIG",
        `"${name}" is a name that the API needs for itself. Rename it in the Prisma schema, with @@map to keep its name in the database.`,
      );
    }
  }
  for (const model of models.all()) {
    const field = model.fields.find(({ name }) => RESERVED_FIELDS.has(name));
    if (field !== undefined) {
      throw new AppError(
        "INVALID_CONFIG",
        `"${model.name}.${field.name}" is a name that the API needs for itself. Rename the field in the Prisma schema, with @map to keep its name in the database.`,
      );
    }
  }
}
