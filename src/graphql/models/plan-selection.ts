import { createContextCache } from "@pothos/core";
import type { FieldNode, GraphQLObjectType, GraphQLResolveInfo, SelectionSetNode } from "graphql";
import { getDirectiveValues, GraphQLIncludeDirective, GraphQLSkipDirective, Kind, print } from "graphql";
import { aggregatesOf } from "../../core/records/aggregates.ts";
import type { ListPart } from "../../core/records/list-pages.ts";
import type { ColumnField, Model, RelationField } from "../../core/records/model.ts";
import { hasIds } from "../../core/records/model.ts";
import type { GroupValues } from "../../core/records/record-groups.ts";
import type {
  ListReading,
  LoadedList,
  LoadedRecord,
  ReadList,
  SelectedList,
  SelectedOne,
  Selection,
} from "../../core/records/record-lists.ts";
import { oncePer } from "../../kernel/once-per.ts";
import type { GraphQLContext } from "../builder.ts";
import { argumentsOf } from "../record-ids.ts";
import type { Connection } from "./connection-type.ts";
import { toConnection } from "./connection-type.ts";
import { selectedAggregates } from "./aggregate-type.ts";
import { planOnce, planWithScopes } from "./kept-plans.ts";
import { parseChoice, parseList } from "./list-arguments.ts";
import type { ModelPorts } from "./model-schema.ts";
import type { IsSelected, PlannedPath, PlannedSelect, SelectedField } from "./pothos-dynamic.ts";
import { CONNECTION_PATHS, plannedSelect } from "./pothos-dynamic.ts";
import { baseSelect } from "./record-keys.ts";

/** The field that is resolved: everything below it is planned. */
export interface PlanRoot {
  readonly context: GraphQLContext;
  readonly info: GraphQLResolveInfo;
}

/** Plans what the document selects of records of the model, below the paths, and `select`. */
export function planSelection(
  ports: ModelPorts,
  model: Model,
  { context, info }: PlanRoot,
  below: SelectedBelow,
): Selection {
  const { select = {}, paths } = below;
  const kind = selectionKind(model, below);
  const nodes = info.fieldNodes.map(({ selectionSet }) => selectionSet);
  return planWithScopes(ports, { viewer: context.viewer, info }, { kind, nodes }, (watched) => {
    const { select: planned, lists } = planOnce(info, `select ${kind}`, () => ({
      select: plannedSelect(context, info, {
        typeName: model.apiName,
        select: { ...baseSelect(model), ...select },
        ...(paths === undefined ? {} : { paths }),
      }),
      lists: listNodes(context),
    }));
    return toSelection({ ports: watched, context, info, lists }, model, planned);
  });
}

/** Where a field's records are, and what is read of them besides what the document selects. */
export interface SelectedBelow {
  /** Further columns. */
  readonly select?: PlannedSelect;
  /** The paths to the records below the resolved field. Default: they are the field's own value. */
  readonly paths?: readonly PlannedPath[];
}

/** A text that tells such selections of one field apart. */
export function selectionKind(model: Model, { select, paths }: SelectedBelow): string {
  const columns = select === undefined ? "" : Object.keys(select).join();
  return `${model.name} ${columns} ${paths === undefined ? "" : textOfPaths(paths)}`;
}

const textOfPaths = oncePer((paths: readonly PlannedPath[]) => JSON.stringify(paths));

/** What was planned of a selection. It has no arguments' values, which each operation brings. */
interface Plan {
  readonly select: PlannedSelect;
  /** The fields that ask for lists, by the lists' names. */
  readonly lists: ReadonlyMap<string, FieldNode>;
}

/** Plans a connection of the model at the root of the document. @throws AppError VALIDATION_FAILED for its arguments */
export function planList(
  ports: ModelPorts,
  model: Model,
  root: PlanRoot,
  args: Record<string, unknown>,
): ReadList {
  const { context, info } = root;
  return planWithScopes(
    ports,
    { viewer: context.viewer, info },
    { kind: "list", nodes: info.fieldNodes },
    (watched) => {
      const part = parseList(watched, context, model, args);
      const marks = planOnce(info, "marks", () => connectionMarks(selectedBelow(info)));
      const select = (): Selection => planSelection(watched, model, root, { paths: CONNECTION_PATHS });
      return ports.lists.prepare(model.name, toReading(model, part, marks, select));
    },
  );
}

/** What the document selects of a connection besides its records' fields, as members of their `select`. */
const ROWS = "#rows";
const PLACES = "#places";
const COUNT = "#count";

function connectionMarks(isSelected: IsSelected): PlannedSelect {
  const hasPlaces =
    isSelected("edges", "cursor") ||
    isSelected("pageInfo", "startCursor") ||
    isSelected("pageInfo", "endCursor");
  const hasRows = isSelected("nodes") || isSelected("edges") || isSelected("pageInfo");
  return {
    ...(hasRows ? { [ROWS]: true } : {}),
    ...(hasPlaces ? { [PLACES]: true } : {}),
    ...(isSelected("totalCount") ? { [COUNT]: true } : {}),
  };
}

function toReading(model: Model, part: ListPart, marks: PlannedSelect, select: () => Selection): ListReading {
  return {
    // Without ids, records may be equal in all places, which decides where a page ends.
    page:
      marks[ROWS] === undefined
        ? undefined
        : { part, hasPlaces: marks[PLACES] !== undefined || !hasIds(model), selection: select() },
    count: marks[COUNT] === undefined ? undefined : { where: part.where },
  };
}

// The fields of the document that ask for lists, by the lists' names. Every operation has a context of its own.
const listNodes = createContextCache((_context: GraphQLContext) => new Map<string, FieldNode>());

const listNames = new WeakMap<FieldNode, string>();

/** The name of a list on its record: of the field and its arguments, so that what differs in them has two names. */
function listName(relation: RelationField, node: FieldNode): string {
  const known = listNames.get(node);
  if (known !== undefined) {
    return known;
  }
  const args = (node.arguments ?? []).map((each) => print(each)).join(", ");
  const name = `${relation.name}(${node.name.value} ${args})`;
  listNames.set(node, name);
  return name;
}

/** The `select` of a field that is a relation's list. */
export function listSelect(target: Model, relation: RelationField, field: SelectedField): PlannedSelect {
  const name = listName(relation, field.node);
  listNodes(field.context).set(name, field.node);
  const select = { ...baseSelect(target), ...connectionMarks(field.isSelected) };
  return { [name]: field.nested(select) };
}

/** The connection that such a field is. */
export function listOf(
  record: LoadedRecord,
  target: Model,
  relation: RelationField,
  info: GraphQLResolveInfo,
): Connection {
  return toConnection(loadedList(record, relation, info), hasIds(target));
}

/** The `select` of a field that is the figures over a relation's list. */
export function figuresSelect(target: Model, relation: RelationField, field: SelectedField): PlannedSelect {
  const name = listName(relation, field.node);
  listNodes(field.context).set(name, field.node);
  const figures = selectedAggregates(target, field.isSelected);
  return {
    [name]: { select: Object.fromEntries(figures.map((each) => [FIGURE + each.field.name, true])) },
  };
}

/** A member of the `select` for a figure is called so, with the figure's name behind it. */
const FIGURE = "#figure ";

/** The figures that such a field is. */
export function figuresOf(
  record: LoadedRecord,
  relation: RelationField,
  info: GraphQLResolveInfo,
): GroupValues {
  return loadedList(record, relation, info).figures ?? {};
}

function loadedList(
  record: LoadedRecord,
  relation: RelationField,
  { fieldNodes: [node] }: GraphQLResolveInfo,
): LoadedList {
  const list = node === undefined ? undefined : record[listName(relation, node)];
  if (list === undefined) {
    throw new TypeError(`${relation.name} was not planned with its record`);
  }
  return list as LoadedList;
}

type SelectionRoot = PlanRoot & Pick<Plan, "lists"> & { readonly ports: ModelPorts };

/** The `select` that the planner made, as the reader takes it. */
function toSelection(root: SelectionRoot, model: Model, select: PlannedSelect): Selection {
  const columns: ColumnField[] = [];
  const ones: SelectedOne[] = [];
  const lists: SelectedList[] = [];
  const fields = fieldsOf(model);
  for (const [name, value] of Object.entries(select)) {
    const [fieldName = ""] = name.split("(", 1);
    const field = fields.get(fieldName);
    const inner = (
      (value as { select?: PlannedSelect } | true) === true ? {} : (value as { select?: PlannedSelect })
    ).select;
    if (field?.kind === "relation") {
      if (field.isList) {
        lists.push(toList(root, model, field, name, inner ?? {}));
      } else {
        ones.push(toOne(root, field, inner ?? {}));
      }
    } else if (field !== undefined) {
      columns.push(field);
    }
  }
  return { columns, ones, lists };
}

const fieldsOf = oncePer((model: Model) => new Map(model.fields.map((field) => [field.name, field])));

function toOne(root: SelectionRoot, field: RelationField, select: PlannedSelect): SelectedOne {
  const { models, access } = root.ports;
  const target = models.get(field.type);
  return {
    field,
    where: access.scope(target.name, root.context.viewer, "READ"),
    selection: toSelection(root, target, select),
  };
}

function toList(
  root: SelectionRoot,
  model: Model,
  field: RelationField,
  name: string,
  select: PlannedSelect,
): SelectedList {
  const { ports, context, info, lists } = root;
  const target = ports.models.get(field.type);
  const node = lists.get(name);
  const fields = (info.schema.getType(model.apiName) as GraphQLObjectType).getFields();
  const definition = fields[node?.name.value ?? ""];
  if (node === undefined || definition === undefined) {
    throw new TypeError(`${model.name}.${name} is not in the document`);
  }
  const args = argumentsOf(definition, node, info.variableValues);
  if (definition.name !== field.apiName) {
    const where = parseChoice(ports, context, target, args);
    const aggregates = aggregatesOf(target).filter((each) => FIGURE + each.field.name in select);
    return { field, name, figures: { where, aggregates } };
  }
  const part = parseList(ports, context, target, args);
  return { field, name, ...toReading(target, part, select, () => toSelection(root, target, select)) };
}

/** The paths of up to two names that the document selects below the field. */
export function selectedBelow(info: GraphQLResolveInfo): IsSelected {
  const paths = new Set<string>();
  const collect = ({ selections }: SelectionSetNode, above: readonly string[]): void => {
    for (const selection of selections) {
      if (!isIncluded(info, selection)) {
        continue;
      }
      if (selection.kind !== Kind.FIELD) {
        const fragment =
          selection.kind === Kind.INLINE_FRAGMENT ? selection : info.fragments[selection.name.value];
        if (fragment !== undefined) {
          collect(fragment.selectionSet, above);
        }
        continue;
      }
      const path = [...above, selection.name.value];
      paths.add(path.join("."));
      if (path.length < 2 && selection.selectionSet !== undefined) {
        collect(selection.selectionSet, path);
      }
    }
  };
  info.fieldNodes.forEach(({ selectionSet }) => selectionSet && collect(selectionSet, []));
  return (...path) => paths.has(path.join("."));
}

/** Whether the selection's directives leave it in. */
export function isIncluded(
  { variableValues }: GraphQLResolveInfo,
  selection: SelectionSetNode["selections"][number],
): boolean {
  if ((selection.directives ?? []).length === 0) {
    return true;
  }
  return (
    getDirectiveValues(GraphQLSkipDirective, selection, variableValues)?.["if"] !== true &&
    getDirectiveValues(GraphQLIncludeDirective, selection, variableValues)?.["if"] !== false
  );
}
