import type { GraphQLSchema } from "graphql";
import { AppError } from "../../kernel/app-error.ts";
import type { Model, ModelRegistry } from "../../core/records/model.ts";

/** The names of a model in the API. */
export interface ModelNames {
  /** `city` */
  readonly one: string;
  /** `cities` */
  readonly many: string;
  /** `Cities`, for `bulkUpdateCities` */
  readonly Many: string;
}

/** The names of the model's root fields. Its types begin with its own name. */
export function namesOf(model: Model): ModelNames {
  const { name, plural } = model;
  return {
    one: `${name.charAt(0).toLowerCase()}${name.slice(1)}`,
    many: plural,
    Many: `${plural.charAt(0).toUpperCase()}${plural.slice(1)}`,
  };
}

/** The names that a schema has besides those of its models. */
export interface ReservedNames {
  readonly types: ReadonlySet<string>;
  /** Fields of `Query`. */
  readonly queries: ReadonlySet<string>;
}

/** @param schema one without models */
export function reservedNamesOf(schema: GraphQLSchema): ReservedNames {
  return {
    types: new Set(Object.keys(schema.getTypeMap())),
    queries: new Set(Object.keys(schema.getQueryType()?.getFields() ?? {})),
  };
}

/** Fields that every record type has besides its columns. */
const RESERVED_FIELDS: ReadonlySet<string> = new Set(["activeTask"]);

/** @throws AppError INVALID_CONFIG for a model, enum or field with a name that the schema needs for itself */
export function checkNames(models: ModelRegistry, reserved: ReservedNames): void {
  const types = [...models.all(), ...models.enums()];
  const taken = types.find(({ name }) => reserved.types.has(name) || name.startsWith("__"));
  if (taken !== undefined) {
    throw reservedName(taken.name);
  }
  for (const model of models.all()) {
    const { one, many } = namesOf(model);
    const query = [one, many].find((name) => reserved.queries.has(name));
    if (query !== undefined) {
      throw new AppError(
        "INVALID_CONFIG",
        `The model ${model.name} would make a query "${query}", a name that the API needs for itself. Rename the model in the Prisma schema, with @@map to keep its name in the database, or give it another {plural} in its options.`,
      );
    }
    const field = model.fields.find(({ name }) => RESERVED_FIELDS.has(name));
    if (field !== undefined) {
      throw new AppError(
        "INVALID_CONFIG",
        `"${model.name}.${field.name}" is a name that the API needs for itself. Rename the field in the Prisma schema, with @map to keep its name in the database.`,
      );
    }
  }
}

/** The error for a model or enum with the name of one of the API's own types. */
function reservedName(name: string): AppError {
  return new AppError(
    "INVALID_CONFIG",
    `"${name}" is a name that the API needs for itself. Rename it in the Prisma schema, with @@map to keep its name in the database.`,
  );
}

/**
 * Explains a clash that shows only while the schema is built: two types with one name, such as a model `IntFilter` and the
 * filter of Int columns. Other errors are returned unchanged.
 */
export function explainClash(error: unknown): unknown {
  const [, name] = /Another type with name (\w+) already exists/.exec(String(error)) ?? [];
  return name === undefined ? error : reservedName(name);
}
