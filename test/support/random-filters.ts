import fc from "fast-check";
import type { WhereFilter } from "../../src/core/access/access.ts";
import type { Operand } from "../../src/core/filters/operators.ts";
import { operatorsOf } from "../../src/core/filters/operators.ts";
import type { ColumnField, Model, ModelRegistry, RelationField } from "../../src/core/records/model.ts";
import type { Json } from "../../src/kernel/json.ts";

/** Values to compare with, by field name or else by type. For a list column, its items. */
export type Samples = Readonly<Record<string, readonly Json[]>>;

/** Any filter on the model that the API accepts, a few levels deep. */
export function randomFilters(
  models: ModelRegistry,
  model: Model,
  samples: Samples,
  depth = 3,
): fc.Arbitrary<WhereFilter> {
  const leaves = model.fields.flatMap((field) =>
    field.kind === "relation" ? [] : [randomColumn(models, field, samples)],
  );
  if (depth === 0) {
    return fc.oneof(...leaves);
  }
  const inner = fc.memo(() => randomFilters(models, model, samples, depth - 1))(depth);
  const relations = model.fields.flatMap((field) =>
    field.kind === "relation" ? [randomRelation(models, field, samples, depth - 1)] : [],
  );
  return fc.oneof(
    { weight: 4, arbitrary: fc.oneof(...leaves) },
    { weight: relations.length, arbitrary: fc.oneof(...relations, fc.constant({})) },
    { weight: 2, arbitrary: fc.record({ NOT: inner }) },
    { weight: 1, arbitrary: fc.record({ AND: fc.array(inner, { maxLength: 3 }) }) },
    { weight: 2, arbitrary: fc.record({ OR: fc.array(inner, { maxLength: 3 }) }) },
    { weight: 1, arbitrary: fc.tuple(inner, inner).map(([a, b]) => ({ ...a, ...b })) },
  );
}

function randomColumn(
  models: ModelRegistry,
  field: ColumnField,
  samples: Samples,
): fc.Arbitrary<WhereFilter> {
  const conditions = Object.entries(operatorsOf(field))
    .filter(([name]) => name !== "mode" && name !== "path")
    .map(([name, { operand }]) =>
      randomOperand(models, field, operand, samples).map((value): [string, Json] => [name, value]),
    );
  const manner: fc.Arbitrary<Record<string, Json>> =
    field.type === "String" && !field.isList
      ? fc.constantFrom({}, { mode: "INSENSITIVE" }, { mode: "DEFAULT" })
      : field.type === "Json" && !field.isList
        ? fc.constantFrom({}, { path: ["a"] }, { path: ["a", "1"] }, { path: [] })
        : fc.constant({});
  return fc
    .tuple(fc.array(fc.oneof(...conditions), { minLength: 1, maxLength: 2 }), manner)
    .map(([some, rest]) => ({ [field.name]: { ...Object.fromEntries(some), ...rest } }));
}

function randomOperand(
  models: ModelRegistry,
  field: ColumnField,
  operand: Operand,
  samples: Samples,
): fc.Arbitrary<Json> {
  const one = fc.constantFrom<Json>(...samplesOf(models, field, samples));
  switch (operand) {
    case "VALUE":
      return one;
    case "VALUES":
      return fc.array(one, { maxLength: 3 });
    case "FLAG":
      return fc.boolean();
    case "JSON":
      return fc.constantFrom<Json>([], [1], ["x"], [{ b: 1 }]);
    case "TEXT":
    case "MODE":
    case "PATH":
      return fc.constantFrom<Json>("", "a", "%", "_", "\\", "A_", "é", "x");
  }
}

function samplesOf(models: ModelRegistry, field: ColumnField, samples: Samples): readonly Json[] {
  const values = models.enums().find(({ name }) => name === field.type)?.values;
  return samples[field.name] ?? values ?? samples[field.type] ?? [];
}

function randomRelation(
  models: ModelRegistry,
  field: RelationField,
  samples: Samples,
  depth: number,
): fc.Arbitrary<WhereFilter> {
  const inner = randomFilters(models, models.get(field.type), samples, depth);
  const operators = field.isList ? ["some", "every", "none"] : ["is", "isNot"];
  const operand: fc.Arbitrary<Json> = field.isNullable
    ? fc.oneof({ weight: 4, arbitrary: inner }, { weight: 1, arbitrary: fc.constant(null) })
    : inner;
  return fc
    .tuple(fc.constantFrom(...operators), operand)
    .map(([operator, value]) => ({ [field.name]: { [operator]: value } }));
}
