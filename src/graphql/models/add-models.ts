import { isReadable } from "../../core/records/field-switches.ts";
import type { EnumType, Model } from "../../core/records/model.ts";
import type { PowerCrudBuilder, SchemaContext } from "../builder.ts";
import { addBulkFields } from "./bulk-fields.ts";
import { addBulkRowFields } from "./bulk-row-fields.ts";
import type { ConnectionRef } from "./connection-type.ts";
import { addConnectionType } from "./connection-type.ts";
import type { ListEnums } from "./list-arguments.ts";
import { addSortOrders } from "./list-arguments.ts";
import type { AnyEnumRef, ModelPorts, ModelSchema } from "./model-schema.ts";
import { createScopeCheck } from "./model-schema.ts";
import type { TypeLookup } from "./object-type.ts";
import { addObjectType } from "./object-type.ts";
import type { AnyInputRef, RecordObjectRef } from "./pothos-dynamic.ts";
import { recordInput } from "./pothos-dynamic.ts";
import { addQueryFields } from "./query-fields.ts";
import { addRecordLocks } from "./record-locks.ts";
import { addWriteFields } from "./write-fields.ts";

/** Adds everything of the models: object types, filters, orders, connections, queries and mutations. */
export function addModels(context: SchemaContext, ports: ModelPorts): void {
  const { builder, models } = context;
  const inputs = new Map<string, AnyInputRef>();
  const schema: ModelSchema = {
    ...context,
    ports,
    canSee: createScopeCheck(ports),
    enums: addEnums(builder, models.enums(), models.all()),
    input: (name, input) =>
      inputs.get(name) ?? recordInput(builder, name, input, (ref) => inputs.set(name, ref)),
  };
  const enums: ListEnums = { mode: addQueryMode(builder), orders: addSortOrders(builder) };
  const options = context.refs.bulkOptions as AnyInputRef;
  const types = addTypes(schema, enums);
  addRecordLocks(schema);
  for (const model of models.all()) {
    addQueryFields(schema, enums, types, model);
    addWriteFields(schema, types, model);
    addBulkFields(schema, { mode: enums.mode, options }, model);
    addBulkRowFields(schema, options, model);
  }
}

/** Looks types up by model. Fields are made after all types, so that types may refer to each other. */
function addTypes(schema: ModelSchema, enums: ListEnums): TypeLookup {
  const objects = new Map<string, RecordObjectRef>();
  const connections = new Map<string, ConnectionRef>();
  const types: TypeLookup = {
    object: (model) => found(objects, model),
    connection: (model) => found(connections, model),
  };
  for (const model of schema.models.all()) {
    const object = addObjectType(schema, enums, types, model);
    objects.set(model.name, object);
    connections.set(model.name, addConnectionType(schema, model, object));
  }
  return types;
}

function found<Ref>(refs: ReadonlyMap<string, Ref>, model: string): Ref {
  const ref = refs.get(model);
  if (ref === undefined) {
    throw new TypeError(`the type of model ${model} is not made yet`);
  }
  return ref;
}

/** The enums that exposed models use. */
function addEnums(
  builder: PowerCrudBuilder,
  all: readonly EnumType[],
  models: readonly Model[],
): ReadonlyMap<string, AnyEnumRef> {
  const used = new Set(
    models.flatMap((model) =>
      model.fields.filter((field) => field.kind === "enum" && isReadable(field)).map((field) => field.type),
    ),
  );
  return new Map(
    all.filter((type) => used.has(type.name)).map((type) => [type.name, addEnum(builder, type)]),
  );
}

function addEnum(builder: PowerCrudBuilder, type: EnumType): AnyEnumRef {
  return builder.enumType(type.name, { values: [...type.values] });
}

function addQueryMode(builder: PowerCrudBuilder): AnyEnumRef {
  return builder.enumType("QueryMode", {
    description: "How texts are compared.",
    values: {
      DEFAULT: { description: "Letter by letter." },
      INSENSITIVE: { description: "Upper and lower case are the same." },
    },
  });
}
