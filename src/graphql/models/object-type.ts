import type { FieldMap } from "@pothos/core";
import { firstFree } from "../../core/records/api-name.ts";
import type { ColumnField, Model, RelationField } from "../../core/records/model.ts";
import { columnsOf, hasIds, relationsOf } from "../../core/records/model.ts";
import { isReadable } from "../../core/records/field-switches.ts";
import { formatRecordKey } from "../../core/records/record-key.ts";
import type { LoadedRecord } from "../../core/records/record-lists.ts";
import type { GraphQLResolveInfo } from "graphql";
import type { GraphQLContext } from "../builder.ts";
import { nodeInterfaces } from "../builder.ts";
import { idsOf } from "../record-ids.ts";
import type { ModelSchema } from "./model-schema.ts";
import { columnType } from "./model-schema.ts";
import type { AggregateType } from "./aggregate-type.ts";
import type { ConnectionRef } from "./connection-type.ts";
import type { ListEnums } from "./list-arguments.ts";
import { choiceArguments, listArguments } from "./list-arguments.ts";
import { RECORD_FIELDS } from "./model-names.ts";
import type { RecordFieldBuilder, RecordObjectRef } from "./pothos-dynamic.ts";
import { figuresOf, figuresSelect, listOf, listSelect } from "./plan-selection.ts";
import { recordObject, selects } from "./pothos-dynamic.ts";
import { baseSelect } from "./record-keys.ts";

/** Looks up the types of other models, which may be made later. */
export interface TypeLookup {
  object(model: string): RecordObjectRef;
  connection(model: string): ConnectionRef;
  figures(model: string): AggregateType;
}

/** The object type of the model: its columns and relations, and, if its records have ids, `id` and the task that holds it. */
export function addObjectType(
  schema: ModelSchema,
  enums: ListEnums,
  types: TypeLookup,
  model: Model,
): RecordObjectRef {
  return recordObject(schema.builder, model, {
    description: model.documentation,
    interfaces: hasIds(model) ? nodeInterfaces(schema) : [],
    select: baseSelect(model),
    fields: (t): FieldMap => ({
      ...(hasIds(model)
        ? { id: idField(model, t), [RECORD_FIELDS.activeTask]: activeTaskField(schema, model, t) }
        : {}),
      ...Object.fromEntries(
        columnsOf(model)
          .filter((field) => field.apiName !== "id" && isReadable(field))
          .map((field) => [field.apiName, columnField(schema, field, t)]),
      ),
      ...Object.fromEntries(
        relationsOf(model)
          .filter((field) => isReadable(field) && (field.isList || canBeChecked(schema, field)))
          .flatMap((field) =>
            field.isList
              ? [
                  [field.apiName, manyField(schema, enums, types, field, t)],
                  [figuresName(model, field), figuresField(schema, enums, types, field, t)],
                ]
              : [[field.apiName, oneField(schema, types, field, t)]],
          ),
      ),
    }),
  });
}

/** Whether it can be known if the viewer may see the one related record: the scope is asked by its id. */
function canBeChecked({ models, ports }: ModelSchema, field: RelationField): boolean {
  return hasIds(models.get(field.type)) || !ports.hasScope(field.type);
}

function activeTaskField(schema: ModelSchema, model: Model, t: RecordFieldBuilder): FieldMap[string] {
  return t.field({
    type: schema.refs.task,
    nullable: true,
    description: "The task that holds this record now, or the whole model; null when it is free.",
    resolve: (record, _args: unknown, context: GraphQLContext) =>
      schema.ports.lockHolders.of(context, model.name, formatRecordKey(model, record)),
  });
}

function idField(model: Model, t: RecordFieldBuilder): FieldMap[string] {
  const [first, ...others] = model.key;
  const own = others.length === 0 && first?.name === "id" ? first.documentation : undefined;
  const made = others.length === 0 ? `The text of ${first?.apiName}.` : "Opaque; made of the key's fields.";
  return t.field({
    type: "ID",
    ...idsOf(model.name),
    description: own ?? (first?.name === "id" && others.length === 0 ? "The key." : made),
    resolve: (record) => formatRecordKey(model, record),
  });
}

function columnField(schema: ModelSchema, field: ColumnField, t: RecordFieldBuilder): FieldMap[string] {
  const type = columnType(schema, field);
  // A JSON column that may not be null can still hold JSON's null.
  const canBeNull = field.isNullable || field.type === "Json";
  const description = field.documentation === undefined ? {} : { description: field.documentation };
  const extensions = selects({ [field.name]: true }, { property: field.name });
  return field.isList
    ? t.field({
        type: [type] as ["String"],
        nullable: { list: false, items: (field.type === "Json") as false },
        ...description,
        extensions,
        resolve: (record) => record[field.name] as string[],
      })
    : t.field({
        type: type as "String",
        nullable: canBeNull as false,
        ...description,
        extensions,
        resolve: (record) => record[field.name] as string,
      });
}

function oneField(
  schema: ModelSchema,
  types: TypeLookup,
  field: RelationField,
  t: RecordFieldBuilder,
): FieldMap[string] {
  const target = schema.models.get(field.type);
  return t.field({
    type: types.object(target.name),
    nullable: (field.isNullable || schema.ports.hasScope(target.name)) as false,
    ...(field.documentation === undefined ? {} : { description: field.documentation }),
    extensions: selects(({ nested }) => ({ [field.name]: nested() }), { property: field.name }),
    resolve: ((record: LoadedRecord) => record[field.name]) as never,
  });
}

function manyField(
  schema: ModelSchema,
  enums: ListEnums,
  types: TypeLookup,
  relation: RelationField,
  t: RecordFieldBuilder,
): FieldMap[string] {
  const target = schema.models.get(relation.type);
  return t.field({
    type: types.connection(target.name),
    ...(relation.documentation === undefined ? {} : { description: relation.documentation }),
    args: listArguments(schema, enums, target, t.arg),
    extensions: selects((field) => listSelect(target, relation, field), { connectionOf: target.apiName }),
    resolve: (record: LoadedRecord, _args: unknown, _context: GraphQLContext, info: GraphQLResolveInfo) =>
      listOf(record, target, relation, info),
  });
}

/** `citiesAggregate`, or with a number behind it where a field of the model is called so. */
export function figuresName({ fields }: Model, { apiName }: RelationField): string {
  const taken = new Set(fields.map((field) => field.apiName));
  return firstFree(`${apiName}Aggregate`, (name) => !taken.has(name));
}

function figuresField(
  schema: ModelSchema,
  enums: ListEnums,
  types: TypeLookup,
  relation: RelationField,
  t: RecordFieldBuilder,
): FieldMap[string] {
  const target = schema.models.get(relation.type);
  return t.field({
    type: types.figures(target.name).ref,
    description: `Figures over the records in ${relation.apiName} that match.`,
    args: choiceArguments(schema, enums, target, t.arg),
    extensions: selects((field) => figuresSelect(target, relation, field)),
    resolve: (record: LoadedRecord, _args: unknown, _context: GraphQLContext, info: GraphQLResolveInfo) =>
      figuresOf(record, relation, info),
  });
}
