import type { Connection } from "../api/connection.ts";
import { TypeMembersDocument } from "../generated/graphql.ts";
import type { Model, TypeMembers } from "./model.ts";
import { bareType, inWords } from "./model.ts";

/** A field of a model's records. */
export interface Field {
  readonly name: string;
  readonly title: string;
  readonly description: string | undefined;
  /** The scalar, enum or model. */
  readonly type: string;
  readonly kind: "value" | "enum" | "record" | "records";
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
}

/** One condition on a field, or one way to change it. */
export interface Verb {
  readonly name: string;
  readonly type: string;
  readonly isEnum: boolean;
  readonly isList: boolean;
}

/** A field of a form. */
export interface FormField {
  readonly name: string;
  readonly title: string;
  readonly description: string | undefined;
  /** What it takes, as a verb that sets it. */
  readonly verb: Verb;
  readonly isRequired: boolean;
}

/** All that is needed to draw a model's pages. */
export interface Shape {
  readonly model: Model;
  readonly description: string | undefined;
  readonly fields: readonly Field[];
  /** The fields that lists can be filtered by. Relations are left out. */
  readonly filters: readonly FieldVerbs[];
  /** The fields that a bulk update can change. */
  readonly bulkChanges: readonly FieldVerbs[];
  /** What a new record takes; empty where none can be made. */
  readonly creation: readonly FormField[];
  /** What can be changed of a record; empty where nothing can. */
  readonly edition: readonly FormField[];
  /** The field that names a record best; undefined where only its id does. */
  readonly label: string | undefined;
  /** The values of an enum. */
  values(type: string): Promise<readonly string[]>;
  /** The field that names the records of another model best. */
  labelOf(model: string): string | undefined;
}

/** Reads types of the schema once each. */
export interface SchemaReader {
  shapeOf(model: Model): Promise<Shape>;
}

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
  return {
    model,
    description: record?.description ?? undefined,
    fields,
    filters: await readVerbs(
      where,
      members,
      (name) =>
        model.rights.get(name)?.canFilter === true && fields.some((one) => one.name === name && isPlain(one)),
    ),
    bulkChanges: await readVerbs(bulk, members, (name) => model.rights.get(name)?.canBulkUpdate === true),
    creation: readForm(creation, (name) => model.rights.get(name)?.canCreate !== false),
    edition: readForm(edition, (name) => model.rights.get(name)?.canUpdate !== false).map((field) => ({
      ...field,
      isRequired: fields.find(({ name }) => name === field.name)?.isRequired === true,
    })),
    label: findLabel(record),
    values: async (type) => (await members(type))?.enumValues?.map(({ name }) => name) ?? [],
    labelOf: (type) => others.get(type),
  };
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

function isPlain({ kind }: Field): boolean {
  return kind === "value" || kind === "enum";
}

function readVerbs(
  input: TypeMembers | undefined,
  members: Members,
  isWanted: (field: string) => boolean,
): Promise<readonly FieldVerbs[]> {
  const fields = (input?.inputFields ?? []).filter(({ name }) => isWanted(name));
  return Promise.all(
    fields.map(async ({ name, type }) => {
      const verbs = (await members(bareType(type).name))?.inputFields ?? [];
      return {
        name,
        title: inWords(name),
        verbs: verbs.map((verb) => {
          const { name: typeName, kind, isList } = bareType(verb.type);
          return { name: verb.name, type: typeName, isEnum: kind === "ENUM", isList };
        }),
      };
    }),
  );
}

/** Relations are left out: a form names the other record by the column that refers to it. */
function readForm(
  input: TypeMembers | undefined,
  isWanted: (field: string) => boolean,
): readonly FormField[] {
  return (input?.inputFields ?? []).flatMap(({ name, description, type }) => {
    const { name: typeName, kind, isList, isRequired } = bareType(type);
    return kind === "INPUT_OBJECT" || !isWanted(name)
      ? []
      : {
          name,
          title: inWords(name),
          description: description ?? undefined,
          verb: { name: "set", type: typeName, isEnum: kind === "ENUM", isList },
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
