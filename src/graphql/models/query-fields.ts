import type { Model } from "../../core/records/model.ts";
import { hasIds } from "../../core/records/model.ts";
import type { GraphQLContext } from "../builder.ts";
import type { Page } from "../pagination/page.ts";
import type { Connection } from "./connection-type.ts";
import type { ListEnums } from "./list-arguments.ts";
import { nameArguments, parseNameArgument, toRecordName } from "./key-input.ts";
import { listArguments, parseList } from "./list-arguments.ts";
import type { ModelSchema } from "./model-schema.ts";
import type { TypeLookup } from "./object-type.ts";
import { readPage } from "./read-page.ts";
import { readRecord } from "./read-record.ts";
import { CONNECTION_PATHS, plannedSelect } from "./pothos-dynamic.ts";

/** The query fields of the model: `city(id, key)`, where its records have ids, and `cities(…)`. */
export function addQueryFields(schema: ModelSchema, enums: ListEnums, types: TypeLookup, model: Model): void {
  if (hasIds(model)) {
    addOneField(schema, types, model);
  }
  addManyField(schema, enums, types, model);
}

function addOneField(schema: ModelSchema, types: TypeLookup, model: Model): void {
  const { builder, models, names, ports } = schema;
  builder.queryField(names.of(model).one, (t) =>
    t.field({
      type: types.object(model.name),
      nullable: true,
      description: `The ${model.apiName} with this id or key; null if there is none that the caller may see.`,
      args: nameArguments(schema, model, t.arg),
      resolve: (_root, args, context, info) =>
        // An invalid id is the caller's error, not a missing record.
        readRecord(ports, model, parseNameArgument(models, model, toRecordName(args)), { context, info }),
    }),
  );
}

function addManyField(schema: ModelSchema, enums: ListEnums, types: TypeLookup, model: Model): void {
  const { builder, names, ports } = schema;
  builder.queryField(names.of(model).many, (t) =>
    t.field({
      type: types.connection(model.name),
      description: `The records of ${model.apiName} that match, page by page.`,
      args: listArguments(schema, enums, model, t.arg),
      resolve: ((
        _root: object,
        args: Record<string, unknown>,
        context: GraphQLContext,
        info: never,
      ): Connection => {
        const list = parseList(ports, context, model, args);
        let page: Promise<Page> | undefined;
        return {
          page() {
            page ??= readPage(ports, model, list, (select) =>
              plannedSelect(context, info, { typeName: model.apiName, select, paths: CONNECTION_PATHS }),
            );
            return page;
          },
          totalCount: () =>
            ports.source(model.name).count({ where: ports.toClientWhere(model, list.filter) }),
        };
      }) as never,
    }),
  );
}
