import type { ColumnField, Model } from "../../core/records/model.ts";
import { columnsOf, relationsOf } from "../../core/records/model.ts";
import type { PowerCrudBuilder } from "../builder.ts";
import type { AnyEnumRef, ModelSchema } from "./model-schema.ts";
import type { AnyInputRef } from "./pothos-dynamic.ts";

/** The directions of an order. */
export interface SortOrders {
  readonly plain: AnyEnumRef;
  readonly nullable: AnyEnumRef;
}

/** The enums `SortOrder` and `NullableSortOrder`. */
export function addSortOrders(builder: PowerCrudBuilder): SortOrders {
  return {
    plain: builder.enumType("SortOrder", {
      description: "The direction of an order.",
      values: ["ASC", "DESC"],
    }),
    nullable: builder.enumType("NullableSortOrder", {
      description:
        "The direction of an order, and where records without a value stand. Without a place: last when ascending, first when descending.",
      values: ["ASC", "DESC", "ASC_NULLS_FIRST", "ASC_NULLS_LAST", "DESC_NULLS_FIRST", "DESC_NULLS_LAST"],
    }),
  };
}

/** One criterion of an order: `CityOrderBy`. */
export function orderInput(schema: ModelSchema, orders: SortOrders, model: Model): AnyInputRef {
  const name = `${model.name}OrderBy`;
  return schema.input(name, {
    description:
      "One criterion: exactly one field, or one field of a related record. Ties are broken by the key.",
    isOneOf: true,
    fields: (t) => ({
      ...Object.fromEntries(
        columnsOf(model)
          .filter(isOrderable)
          .map((field) => [field.name, t.field({ type: field.isNullable ? orders.nullable : orders.plain })]),
      ),
      ...Object.fromEntries(
        relationsOf(model)
          .filter((field) => !field.isList)
          .map((field) => [
            field.name,
            t.field({ type: orderInput(schema, orders, schema.models.get(field.type)) }),
          ]),
      ),
    }),
  });
}

/** Lists, JSON and bytes have no order that the client could page by. */
function isOrderable(field: ColumnField): boolean {
  return !field.isList && field.type !== "Json" && field.type !== "Bytes";
}
