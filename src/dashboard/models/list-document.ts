import type { PageEndsFragment } from "../generated/graphql.ts";
import type { Field, Figure, FigureColumns, Shape } from "./shape.ts";
import { FIGURES } from "./shape.ts";

/** A record on a page: its id, the task that holds it, and the fields that were asked for. */
export interface RecordRow {
  readonly id: string;
  readonly activeTask: HolderRow | null;
  readonly [field: string]: unknown;
}

/** The task that holds a record. */
export interface HolderRow {
  readonly id: string;
  readonly kind: string;
  readonly label: string | null;
}

/** A page of records. */
export interface RecordPage {
  readonly list: {
    readonly totalCount: number;
    readonly pageInfo: PageEndsFragment;
    readonly nodes: readonly RecordRow[];
  };
}

/** The variables of a list's document. */
export type ListVariables = Readonly<Record<string, unknown>>;

/** Turns pages of at most `first` or `last` records into variables. */
export interface Window {
  readonly after?: string;
  readonly before?: string;
}

/** Figures over records, by figure and column. */
export interface Figures {
  readonly figures: Readonly<Partial<Record<Figure, Readonly<Record<string, unknown>>>>>;
}

/** The query of the figures of these columns; undefined where none of them has any. */
export function figuresDocument(
  { model }: Shape,
  columns: readonly Field[],
  having: FigureColumns,
): string | undefined {
  const asked = FIGURES.flatMap((figure) => {
    const names = columns.map(({ name }) => name).filter((name) => having.get(figure)?.has(name) === true);
    return names.length === 0 ? [] : `${figure} { ${names.join(" ")} }`;
  });
  const hasSearch = model.listArguments.has("search");
  const variables = `$where: ${model.name}Where${hasSearch ? ", $search: String" : ""}`;
  const values = `where: $where${hasSearch ? ", search: $search" : ""}`;
  return asked.length === 0 || model.aggregate === undefined
    ? undefined
    : `query Figures(${variables}) { figures: ${model.aggregate}(${values}) { ${asked.join(" ")} } }`;
}

/** The query of a model's list with these columns. */
export function listDocument(shape: Shape, columns: readonly Field[]): string {
  const { name, list, listArguments } = shape.model;
  const types: Record<string, string> = {
    where: `${name}Where`,
    orderBy: `[${name}OrderBy!]`,
    search: "String",
    first: "Int",
    after: "String",
    last: "Int",
    before: "String",
  };
  const taken = Object.entries(types).filter(([argument]) => listArguments.has(argument));
  const variables = taken.map(([argument, type]) => `$${argument}: ${type}`).join(", ");
  const values = taken.map(([argument]) => `${argument}: $${argument}`).join(", ");
  return `query List(${variables}) { list: ${list}(${values}) { totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { ${recordSelection(shape, columns)} } } }`;
}

function selectionOf(shape: Shape, { name, kind, type }: Field): string {
  if (kind === "record") {
    return `${name} { id ${shape.labelOf(type) ?? ""} }`;
  }
  return kind === "records" ? `${name}: ${name}Aggregate { count }` : name;
}

/** @param size records on a page */
export function windowVariables({ after, before }: Window, size: number): ListVariables {
  return before === undefined
    ? { first: size, ...(after === undefined ? {} : { after }) }
    : { last: size, before };
}

/** The query of one record with these fields. */
export function recordDocument(shape: Shape, fields: readonly Field[]): string {
  return `query Record($id: ID!) { record: ${shape.model.one ?? ""}(id: $id) { ${recordSelection(shape, fields)} } }`;
}

function recordSelection(shape: Shape, fields: readonly Field[]): string {
  return `id activeTask { id kind label } ${fields.map((field) => selectionOf(shape, field)).join(" ")}`;
}

/** The first records of each relation of a record. */
export interface RelatedRecords {
  readonly record: Readonly<
    Record<string, { readonly totalCount: number; readonly nodes: readonly RecordRow[] }>
  > | null;
}

/** The query of the first records that a record is linked with, by the names of the relations. */
export function relationsDocument(
  shape: Shape,
  relations: readonly {
    readonly field: Field;
    readonly other: Shape;
    readonly columns: readonly Field[];
  }[],
  most: number,
): string {
  const lists = relations.map(({ field, other, columns }) => {
    const selections = columns.map((column) => selectionOf(other, column)).join(" ");
    return `${field.name}(first: ${most}) { totalCount nodes { id ${selections} } }`;
  });
  return `query Relations($id: ID!) { record: ${shape.model.one ?? ""}(id: $id) { id ${lists.join(" ")} } }`;
}

/** The query of the ids that a record is linked with by a relation. */
export function linksDocument({ model }: Shape, relation: string, most: number): string {
  return `query Links($id: ID!) { record: ${model.one ?? ""}(id: $id) { id ${relation}(first: ${most}) { totalCount nodes { id } } } }`;
}

/**
 * The mutation that creates, updates or deletes one record; a record that stays is read back whole. Where the model has an
 * `@updatedAt`, it is refused if that is not the expected one, with the record as it is now.
 */
export function writeDocument(shape: Shape, verb: "create" | "update" | "delete"): string {
  const { name, create = "", update = "", delete: remove = "", updatedAt } = shape.model;
  const isDated = verb !== "create" && updatedAt !== undefined;
  const field = { create, update, delete: remove }[verb];
  const inputs: Record<string, string> = {
    ...(verb === "create" ? {} : { id: "ID!" }),
    ...(verb === "create" ? { data: `${name}CreateInput!` } : {}),
    ...(verb === "update" ? { data: `${name}UpdateInput!` } : {}),
    ...(isDated ? { expectedUpdatedAt: "DateTime" } : {}),
  };
  const variables = Object.entries(inputs).map(([argument, type]) => `$${argument}: ${type}`);
  const values = Object.keys(inputs).map((argument) => `${argument}: $${argument}`);
  const result = { create: "Create", update: "Update", delete: "Delete" }[verb];
  const payload = `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
  return `mutation Write(${variables.join(", ")}) { write: ${field}(${values.join(", ")}) {
    __typename
    ... on ${result}${name}Payload { record: ${payload} { ${verb === "delete" ? "id" : recordSelection(shape, shape.fields)} } }
    ... on Error { code message }
    ... on ValidationError { problems { field message } }
    ${isDated ? `... on Stale${name}Error { current { ${recordSelection(shape, shape.fields)} } }` : ""}
  } }`;
}

/** The mutation that launches a bulk update or delete of a model's records. */
export function launchDocument(shape: Shape, verb: "update" | "delete"): string {
  const { name, bulkUpdate = "", bulkDelete = "" } = shape.model;
  const isUpdate = verb === "update";
  const data = isUpdate ? `$data: ${name}BulkUpdateInput!, ` : "";
  return `mutation Launch(${data}$selection: ${name}Selection!, $options: BulkOptions) {
    launch: ${isUpdate ? bulkUpdate : bulkDelete}(${isUpdate ? "data: $data, " : ""}selection: $selection, options: $options) {
      __typename
      ... on TaskLaunched { isDuplicate task { id } }
      ... on Error { code message }
      ... on ConflictError { totalConflicts conflicts(first: 10) { recordId heldBy { id kind label progress { percent etaMs } } } }
      ... on LimitError { limit matched }
      ... on ValidationError { problems { field message } }
    } }`;
}
