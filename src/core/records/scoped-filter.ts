import type { Json } from "../../kernel/json.ts";
import type { Access } from "./access.ts";
import { andFilters } from "./access.ts";
import type { Model, ModelRegistry } from "./model.ts";
import { relationsOf } from "./model.ts";
import type { WhereFilter } from "./selection.ts";
import type { Viewer } from "../access/viewer.ts";

/** What narrowing a filter takes. */
export interface ScopePorts {
  readonly models: ModelRegistry;
  readonly access: Access;
}

/**
 * The filter within the viewer's scope. Where the filter looks at related records, only those that the viewer may
 * see count; otherwise a filter could ask about the others, one guess at a time. Undefined means every record.
 */
export function scopedFilter(
  ports: ScopePorts,
  viewer: Viewer,
  model: Model,
  where: WhereFilter | undefined,
): WhereFilter | undefined {
  const scope = ports.access.scope(model.name, viewer);
  return andFilters(where === undefined ? undefined : scopeRelations(ports, viewer, model, where), scope);
}

function scopeRelations(ports: ScopePorts, viewer: Viewer, model: Model, where: WhereFilter): WhereFilter {
  const relations = new Map(relationsOf(model).map((field) => [field.name, ports.models.get(field.type)]));
  const members = Object.entries(where).map(([name, value]): [string, Json] => {
    const target = relations.get(name);
    if (name === "AND" || name === "OR" || name === "NOT") {
      return [name, mapFilters(value, (part) => scopeRelations(ports, viewer, model, part))];
    }
    return [name, target === undefined ? value : scopeRelation(ports, viewer, target, value as WhereFilter)];
  });
  return Object.fromEntries(members);
}

function scopeRelation(ports: ScopePorts, viewer: Viewer, target: Model, filter: WhereFilter): WhereFilter {
  const scope = ports.access.scope(target.name, viewer);
  const members = Object.entries(filter).map(([operator, value]): [string, Json] => {
    if (value === null) {
      return [operator, value];
    }
    const inner = scopeRelations(ports, viewer, target, value as WhereFilter);
    // "every" asks about all of them, so those out of scope must not be able to spoil the answer.
    const outside = scope !== undefined && operator === "every" ? { OR: [inner, { NOT: scope }] } : undefined;
    return [operator, outside ?? andFilters(inner, scope) ?? {}];
  });
  return Object.fromEntries(members);
}

function mapFilters(value: Json, map: (filter: WhereFilter) => WhereFilter): Json {
  return Array.isArray(value)
    ? value.map((part: Json) => map(part as WhereFilter))
    : map(value as WhereFilter);
}
