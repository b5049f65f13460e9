import type { JsonObject } from "../../kernel/json.ts";
import type { Access, AccessAction, WhereFilter } from "../access/access.ts";
import { andFilters } from "../access/access.ts";
import type { Model, ModelRegistry } from "../records/model.ts";
import { refuseHidden, refuseModel } from "../records/read-rights.ts";
import type { Viewer } from "../access/viewer.ts";
import { foldFilter } from "./fold-filter.ts";
import { filterKey } from "./operators.ts";
import { SEARCH_MEMBER } from "./search-filter.ts";

/** Where scopes come from. */
export interface ScopePorts {
  readonly models: ModelRegistry;
  readonly access: Access;
}

/**
 * Narrows a filter to the viewer's scope. No other place does. Where the filter looks at related records, only those
 * that the viewer may see count; otherwise a filter could find out about the others, one guess at a time. The same holds for
 * a search, which looks at other records, too.
 * @param action what the viewer wants to do with the records
 * @returns undefined for every record
 * @throws AppError FORBIDDEN for a model or field that the viewer may not read
 */
export function scopeFilter(
  ports: ScopePorts,
  viewer: Viewer,
  model: Model,
  where: WhereFilter | undefined,
  action: AccessAction = "READ",
): WhereFilter | undefined {
  const scoped = where === undefined ? undefined : scopeParts(ports, viewer, model, where);
  return andFilters(scoped, scopeOf(ports.access, viewer, model, action));
}

function scopeParts(ports: ScopePorts, viewer: Viewer, model: Model, where: WhereFilter): WhereFilter {
  return foldFilter<WhereFilter>(ports.models, model, where, {
    filter: (members) => Object.assign({}, ...members) as JsonObject,
    logic: (operator, parts) => ({
      [operator]: operator === "NOT" && parts.length === 1 ? (parts[0] ?? {}) : parts,
    }),
    search(search, of) {
      const fields = readableOf(ports.access, viewer, of, search.fields);
      const scope = scopeOf(ports.access, viewer, of, "READ");
      return { [SEARCH_MEMBER]: { ...search, fields, ...(scope === undefined ? {} : { scope }) } };
    },
    column(field, operators, of) {
      refuseHidden(ports.access, viewer, of, field);
      return { [filterKey(field)]: operators };
    },
    relation(field, target, parts, of) {
      refuseHidden(ports.access, viewer, of, field);
      const scope = scopeOf(ports.access, viewer, target, "READ");
      const scoped = parts.map(({ operator, inner }) => [
        operator,
        inner === null ? null : scopeInner(operator, inner, scope),
      ]);
      return { [filterKey(field)]: Object.fromEntries(scoped) as JsonObject };
    },
  });
}

/** The fields that the viewer may read: a search looks into no other. @throws AppError FORBIDDEN if there are none */
function readableOf(
  access: Access,
  viewer: Viewer,
  model: Model,
  names: readonly string[],
): readonly string[] {
  const readable = names.filter((name) => access.isFieldAllowed(model.name, name, viewer, "READ"));
  const [first] = model.fields.filter(({ name }) => names.includes(name));
  if (readable.length === 0 && first !== undefined) {
    refuseHidden(access, viewer, model, first);
  }
  return readable;
}

function scopeInner(operator: string, inner: WhereFilter, scope: WhereFilter | undefined): WhereFilter {
  // "every" asks about all of them, so those out of scope must not be able to spoil the answer.
  return scope !== undefined && operator === "every"
    ? { OR: [inner, { NOT: scope }] }
    : (andFilters(inner, scope) ?? {});
}

function scopeOf(
  access: Access,
  viewer: Viewer,
  model: Model,
  action: AccessAction,
): WhereFilter | undefined {
  if (action === "READ") {
    refuseModel(access, viewer, model);
  }
  return access.scope(model.name, viewer, action);
}
