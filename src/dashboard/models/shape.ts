import type { Connection } from "../api/connection.ts";
import { TypeMembersDocument } from "../generated/graphql.ts";
import type { Model, TypeMembers } from "./model.ts";
import { bareType, inWords } from "./model.ts";

/** The records that a value names, and how. */
export interface Reference {
  readonly model: string;
  /** The field of that model's records which has the value; undefined: their id. */
  readonly field: string | undefined;
}

/** A field of a model's records. */
export interface Field {
  readonly name: string;
  readonly title: string;
  readonly description: string | undefined;
  /** The scalar, enum or model; of many records the type of their page. */
  readonly type: string;
  readonly kind: "value" | "enum" | "record" | "records";
  /** The model of the other records; undefined for a value. */
  readonly model: string | undefined;
  readonly canSort: boolean;
  /** Whether it always has a value. */
  readonly isRequired: boolean;
}

/** What can be done with a field in a filter, or in a bulk update. */
export interface FieldVerbs {
  readonly name: string;
  readonly title: string;
  /** Such as `equals` and `gt`, or `set` and `increment`. */
  readonly verbs: readonly Verb[];
  /** For a relation: the model whose records the verbs ask about; see {@link Verb.isNested}. */
  readonly model: string | undefined;
  /** Whether filters can take capital letters for small ones. */
  readonly canIgnoreCase: boolean;
  /** Whether filters can look into a part of the value. */
  readonly hasPath: boolean;
}

/** One condition on a field, or one way to change it. */
export interface Verb {
  readonly name: string;
  readonly type: string;
  readonly isEnum: boolean;
  readonly isList: boolean;
  /** Whether it takes a filter of the related records. */
  readonly isNested: boolean;
  /** The records that its values name. */
  readonly refersTo?: Reference | undefined;
}

/** A field of a form. */
export interface FormField {
  readonly name: string;
  readonly title: string;
  readonly description: string | undefined;
  /** What it takes, as a verb that sets it. */
  readonly verb: Verb;
  /** Whether it takes links to add and to remove. */
  readonly isLinks: boolean;
  readonly isRequired: boolean;
}

/** A figure over the values of a column. */
export type Figure = "sum" | "avg" | "min" | "max";

/** The names of the columns that have a figure. */
export type FigureColumns = ReadonlyMap<Figure, ReadonlySet<string>>;

export const FIGURES: readonly Figure[] = ["sum", "avg", "min", "max"];

/** All that is needed to draw a model's pages. */
export interface Shape {
  readonly model: Model;
  readonly description: string | undefined;
  readonly fields: readonly Field[];
  /** The fields and relations that lists can be filtered by. */
  readonly filters: readonly FieldVerbs[];
  /** The fields that a bulk update can change. */
  readonly bulkChanges: readonly FieldVerbs[];
  /** What a new record takes; empty where none can be made. */
  readonly creation: readonly FormField[];
  /** What can be changed of a record; empty where nothing can. */
  readonly edition: readonly FormField[];
  /** The field that names a record best; undefined where only its id does. */
  readonly label: string | undefined;
  /** The columns that each figure over the records is made of. Read when first asked for. */
  figures(): Promise<FigureColumns>;
  /** The values of an enum. */
  values(type: string): Promise<readonly string[]>;
  /** The field that names the records of another model best. */
  labelOf(model: string): string | undefined;
}

/** Reads types of the schema once each. */
export interface SchemaReader {
  shapeOf(model: Model): Promise<Shape>;
}

/** Operators that only tell how another one compares. */
const MANNERS: ReadonlySet<string> = new Set(["mode", "path"]);
const MANY_CHANGE = "ManyChange";
const OWN_FIELDS = new Set(["activeTask", "id", "id_"]);
const LABELS = ["name", "title", "label", "displayName", "fullName", "email", "username", "code", "slug"];

export function createSchemaReader(connection: Connection): SchemaReader {
  const types = new Map<string, Promise<TypeMembers | undefined>>();
  const shapes = new Map<string, Promise<Shape>>();
  const members = (name: string): Promise<TypeMembers | undefined> => {
    const known = types.get(name);
    const read =
      known ?? connection.request(TypeMembersDocument, { name }).then(({ __type }) => __type ?? undefined);
    types.set(name, read);
    // A failure is not kept: the next page asks again.
    read.catch(() => types.delete(name));
    return read;
  };
  return {
    shapeOf(model) {
      const known = shapes.get(model.name) ?? readShape(model, members);
      shapes.set(model.name, known);
      known.catch(() => shapes.delete(model.name));
      return known;
    },
  };
}

type Members = (name: string) => Promise<TypeMembers | undefined>;

async function readShape(model: Model, members: Members): Promise<Shape> {
  const [record, where, creation, edition, bulk] = await Promise.all([
    members(model.name),
    members(`${model.name}Where`),
    model.create === undefined ? undefined : members(`${model.name}CreateInput`),
    model.update === undefined ? undefined : members(`${model.name}UpdateInput`),
    model.bulkUpdate === undefined ? undefined : members(`${model.name}BulkUpdateInput`),
  ]);
  const fields = readFields(model, record);
  const others = new Map(
    await Promise.all(
      fields
        .filter(({ kind }) => kind === "record")
        .map(async ({ type }) => [type, findLabel(await members(type))] as const),
    ),
  );
  const draw = { model, fields, members };
  return {
    model,
    description: record?.description ?? undefined,
    fields,
    filters: await readVerbs(draw, where, (name) => model.rights.get(name)?.canFilter === true),
    bulkChanges: await readVerbs(draw, bulk, (name) => model.rights.get(name)?.canBulkUpdate === true),
    creation: readForm(draw, creation, (name) => model.rights.get(name)?.canCreate !== false),
    edition: readForm(draw, edition, (name) => model.rights.get(name)?.canUpdate !== false).map((field) => ({
      ...field,
      isRequired: fields.find(({ name }) => name === field.name)?.isRequired === true && !field.isLinks,
    })),
    label: findLabel(record),
    figures: () => readFigures(model, members),
    values: async (type) => (await members(type))?.enumValues?.map(({ name }) => name) ?? [],
    labelOf: (type) => others.get(type),
  };
}

async function readFigures(model: Model, members: Members): Promise<FigureColumns> {
  const all = (await members(`${model.name}Aggregate`))?.fields ?? [];
  const read = FIGURES.map(async (figure) => {
    const found = all.find(({ name }) => name === figure);
    const columns = found === undefined ? undefined : await members(bareType(found.type).name);
    return [figure, new Set(columns?.fields?.map(({ name }) => name))] as const;
  });
  return new Map(await Promise.all(read));
}

/** What verbs and forms are read with. */
interface Draw {
  readonly model: Model;
  readonly fields: readonly Field[];
  readonly members: Members;
}

function readFields(model: Model, record: TypeMembers | undefined): Field[] {
  return (record?.fields ?? []).flatMap(({ name, description, type }) => {
    const { name: typeName, kind, isRequired } = bareType(type);
    const rights = model.rights.get(name);
    if (OWN_FIELDS.has(name) || rights === undefined || !rights.canRead) {
      return [];
    }
    return {
      name,
      title: inWords(name),
      description: description ?? undefined,
      type: typeName,
      kind: kindOf(typeName, kind),
      model: kind === "OBJECT" ? typeName.replace(/Connection$/, "") : undefined,
      canSort: rights.canSort && kind !== "OBJECT",
      isRequired,
    };
  });
}

function kindOf(type: string, kind: string): Field["kind"] {
  if (kind === "ENUM") {
    return "enum";
  }
  if (kind !== "OBJECT") {
    return "value";
  }
  return type.endsWith("Connection") ? "records" : "record";
}

function readVerbs(
  draw: Draw,
  input: TypeMembers | undefined,
  isWanted: (field: string) => boolean,
): Promise<readonly FieldVerbs[]> {
  const fields = (input?.inputFields ?? []).filter(({ name }) => isWanted(name));
  return Promise.all(
    fields.map(async ({ name, type }) => {
      const verbs = (await draw.members(bareType(type).name))?.inputFields ?? [];
      const refersTo = referenceOf(draw, name, type);
      return {
        name,
        title: inWords(name),
        model: draw.fields.find((field) => field.name === name)?.model,
        canIgnoreCase: verbs.some((verb) => verb.name === "mode"),
        hasPath: verbs.some((verb) => verb.name === "path"),
        verbs: verbs
          .filter((verb) => !MANNERS.has(verb.name))
          .map((verb) => ({ ...verbOf(verb.type, refersTo), name: verb.name })),
      };
    }),
  );
}

type TypeName = Parameters<typeof bareType>[0];

function verbOf(type: TypeName, refersTo: Reference | undefined): Omit<Verb, "name"> {
  const { name, kind, isList } = bareType(type);
  return { type: name, isEnum: kind === "ENUM", isList, isNested: kind === "INPUT_OBJECT", refersTo };
}

/** The records that a field's values name: by a column, or by a list of links. */
function referenceOf({ model, fields }: Draw, name: string, type: TypeName): Reference | undefined {
  const { name: typeName, kind } = bareType(type);
  const other = fields.find((field) => field.name === name)?.model;
  if (other !== undefined) {
    return typeName === MANY_CHANGE || kind === "SCALAR" ? { model: other, field: undefined } : undefined;
  }
  return name === "id" ? { model: model.name, field: name } : (model.rights.get(name)?.refersTo ?? undefined);
}

/** A relation to one record is left out: a form names that record by the column that refers to it. */
function readForm(
  draw: Draw,
  input: TypeMembers | undefined,
  isWanted: (field: string) => boolean,
): readonly FormField[] {
  return (input?.inputFields ?? []).flatMap(({ name, description, type }) => {
    const { name: typeName, kind, isRequired } = bareType(type);
    const isLinks = typeName === MANY_CHANGE;
    if ((kind === "INPUT_OBJECT" && !isLinks) || !isWanted(name)) {
      return [];
    }
    return {
      name,
      title: inWords(name),
      description: description ?? undefined,
      // A record's own id names no other record.
      verb: { ...verbOf(type, name === "id" ? undefined : referenceOf(draw, name, type)), name: "set" },
      isLinks,
      isRequired,
    };
  });
}

/** A field that people know records by, or else the first text. */
function findLabel(record: TypeMembers | undefined): string | undefined {
  const texts = (record?.fields ?? [])
    .filter(({ type }) => bareType(type).name === "String" && !bareType(type).isList)
    .map(({ name }) => name);
  return LABELS.find((label) => texts.includes(label)) ?? texts[0];
}
