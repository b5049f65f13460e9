import { isReadable } from "../../core/records/field-switches.ts";
import type { Model } from "../../core/records/model.ts";
import { hasIds } from "../../core/records/model.ts";
import type { PowerCrudBuilder, SchemaContext } from "../builder.ts";
import { addAggregateField } from "./aggregate-field.ts";
import type { AggregateType } from "./aggregate-type.ts";
import { addAggregateType } from "./aggregate-type.ts";
import { addBulkFields } from "./bulk-fields.ts";
import { addBulkRowFields } from "./bulk-row-fields.ts";
import type { ConnectionRef } from "./connection-type.ts";
import { addConnectionType } from "./connection-type.ts";
import { addGroupField } from "./group-field.ts";
import type { ListEnums } from "./list-arguments.ts";
import { addSortOrders } from "./list-arguments.ts";
import type { EnumNames } from "./model-names.ts";
import type { AnyEnumRef, ModelPorts, ModelSchema } from "./model-schema.ts";
import type { TypeLookup } from "./object-type.ts";
import { addObjectType } from "./object-type.ts";
import type { AnyInputRef, RecordObjectRef } from "./pothos-dynamic.ts";
import { recordInput } from "./pothos-dynamic.ts";
import { addNodeFields } from "./node-fields.ts";
import { addQueryFields } from "./query-fields.ts";
import { addRecordLocks } from "./record-locks.ts";
import { addTaskRecordNodes } from "./task-record-nodes.ts";
import { addWriteFields } from "./write-fields.ts";

/** Adds everything of the models: object types, filters, orders, connections, queries and mutations. */
export function addModels(context: SchemaContext, ports: ModelPorts): void {
  const { builder, models } = context;
  const schema: ModelSchema = {
    ...context,
    ports,
    enums: addEnums(context, models.all()),
    input: createInputs(builder),
  };
  const enums: ListEnums = { mode: addQueryMode(builder), orders: addSortOrders(builder) };
  const options = context.refs.bulkOptions as AnyInputRef;
  const types = addTypes(schema, enums);
  addRecordLocks(schema);
  if (schema.node !== undefined) {
    addNodeFields(schema, schema.node);
  }
  addTaskRecordNodes(schema, types);
  for (const model of models.all()) {
    addQueryFields(schema, enums, types, model);
    const figures = types.figures(model.name);
    addAggregateField(schema, enums, figures, model);
    addGroupField(schema, enums, figures, model);
    if (hasIds(model)) {
      addWriteFields(schema, types, model);
      addBulkFields(schema, { mode: enums.mode, options }, model);
      addBulkRowFields(schema, options, model);
    }
  }
}

/**
 * Makes each input once. Fields of inputs refer to other inputs, from model to model; these are implemented one after the
 * other, since a long chain of models would exceed the call stack.
 */
function createInputs(builder: PowerCrudBuilder): ModelSchema["input"] {
  const inputs = new Map<string, AnyInputRef>();
  const waiting: (() => void)[] = [];
  let isImplementing = false;
  return (name, options) => {
    const known = inputs.get(name);
    if (known !== undefined) {
      return known;
    }
    const { ref, implement } = recordInput(builder, name, options);
    inputs.set(name, ref);
    waiting.push(implement);
    if (!isImplementing) {
      isImplementing = true;
      try {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          next();
        }
      } finally {
        isImplementing = false;
      }
    }
    return ref;
  };
}

/** Looks types up by model. Fields are made after all types, so that types may refer to each other. */
function addTypes(schema: ModelSchema, enums: ListEnums): TypeLookup {
  const objects = new Map<string, RecordObjectRef>();
  const connections = new Map<string, ConnectionRef>();
  const figures = new Map<string, AggregateType>();
  const types: TypeLookup = {
    object: (model) => found(objects, model),
    connection: (model) => found(connections, model),
    figures: (model) => found(figures, model),
  };
  for (const model of schema.models.all()) {
    const object = addObjectType(schema, enums, types, model);
    objects.set(model.name, object);
    connections.set(model.name, addConnectionType(schema, model, object));
    figures.set(model.name, addAggregateType(schema, model));
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
  { builder, models: { enums }, names }: SchemaContext,
  models: readonly Model[],
): ReadonlyMap<string, AnyEnumRef> {
  const used = new Set(
    models.flatMap((model) =>
      model.fields.filter((field) => field.kind === "enum" && isReadable(field)).map((field) => field.type),
    ),
  );
  return new Map(
    enums()
      .filter(({ name }) => used.has(name))
      .map(({ name, documentation }) => [name, addEnum(builder, names.enum(name), documentation)]),
  );
}

function addEnum(
  builder: PowerCrudBuilder,
  names: EnumNames,
  description = `The values of the data model's enum ${names.enum}.`,
): AnyEnumRef {
  const values = Object.entries(names.values).map(([name, value]) => [name, { value }] as const);
  return builder.enumType(names.enum, { description, values: Object.fromEntries(values) });
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
