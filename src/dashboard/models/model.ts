import type {
  ImportOperation,
  OverviewQuery,
  TypeMembersQuery,
  TypeNameFragment,
} from "../generated/graphql.ts";

/** A model, as the service's schema and the caller's rights draw it. */
export interface Model {
  /** As in the Prisma schema, such as `City`. */
  readonly name: string;
  /** In words, such as "Cities". */
  readonly title: string;
  /** Whether ids of records have their model's name in front: `City:2988507`. */
  readonly hasTypedIds: boolean;
  /** The query of its list. */
  readonly list: string;
  /** The arguments that its list takes. */
  readonly listArguments: ReadonlySet<string>;
  /** The query of its figures; undefined where it has none. */
  readonly aggregate: string | undefined;
  /** The query of one record; undefined where records have no single key. */
  readonly one: string | undefined;
  /** Mutations; undefined where the caller may not, or the model has none. */
  readonly create: string | undefined;
  readonly update: string | undefined;
  readonly delete: string | undefined;
  readonly bulkUpdate: string | undefined;
  readonly bulkDelete: string | undefined;
  /** The field that `expectedUpdatedAt` of its mutations is compared with; undefined where they have no such argument, or the caller cannot read it. */
  readonly updatedAt: string | undefined;
  /** What an import may do with the rows of a file; empty where the caller may import none. */
  readonly imports: readonly ImportOperation[];
  readonly rights: ReadonlyMap<string, FieldRights>;
}

/** What the caller may do with a field. */
export type FieldRights = OverviewQuery["viewer"]["models"][number]["fields"][number];

/** Members of an object or input type, and the values of an enum. */
export type TypeMembers = NonNullable<TypeMembersQuery["__type"]>;

/** A type without its wrappers. */
export interface BareType {
  readonly name: string;
  readonly kind: string;
  readonly isList: boolean;
  readonly isRequired: boolean;
}

/** The models that the caller may read, in the order of their titles. */
export function readModels({ viewer, queries, mutations }: OverviewQuery): readonly Model[] {
  const lists = new Map<string, { name: string; listArguments: ReadonlySet<string> }>();
  const ones = new Map<string, string>();
  const figures = new Map<string, string>();
  for (const { name, type, args } of queries?.fields ?? []) {
    const { name: typeName } = bareType(type);
    if (typeName.endsWith("Connection") && args.some((one) => one.name === "where")) {
      const listArguments = new Set(args.map((one) => one.name));
      lists.set(typeName.slice(0, -"Connection".length), { name, listArguments });
    } else if (typeName.endsWith("Aggregate")) {
      figures.set(typeName.slice(0, -"Aggregate".length), name);
    } else if (args.some((one) => one.name === "id" || one.name === "key")) {
      ones.set(typeName, name);
    }
  }
  const hasTypedIds =
    queries?.fields?.some(({ name, type }) => name === "node" && bareType(type).kind === "INTERFACE") ===
    true;
  const launches = readLaunches(mutations);
  const results = new Map(mutations?.fields?.map(({ name, type }) => [bareType(type).name, name]));
  return viewer.models
    .filter(({ canRead }) => canRead)
    .flatMap((rights) => {
      const { model, fields, canCreate, canUpdate, canDelete, canBulkUpdate, canBulkDelete } = rights;
      const list = lists.get(model);
      return list === undefined
        ? []
        : {
            name: model,
            title: inWords(list.name),
            hasTypedIds,
            list: list.name,
            listArguments: list.listArguments,
            aggregate: figures.get(model),
            one: ones.get(model),
            create: canCreate ? results.get(`Create${model}Result`) : undefined,
            update: canUpdate ? results.get(`Update${model}Result`) : undefined,
            delete: canDelete ? results.get(`Delete${model}Result`) : undefined,
            bulkUpdate: canBulkUpdate ? launches.get(`${model}BulkUpdateInput`) : undefined,
            bulkDelete: canBulkDelete ? launches.get(`${model}Selection`) : undefined,
            imports: importsOf(rights),
            updatedAt: fields.find(({ isUpdatedAt, canRead }) => isUpdatedAt && canRead)?.name,
            rights: new Map(fields.map((field) => [field.name, field])),
          };
    })
    .toSorted((one, other) => one.title.localeCompare(other.title));
}

/** The one field that identifies a model's records and can be asked for; undefined where there is none. */
export function keyOf(models: readonly Model[], name: string | undefined): string | undefined {
  const rights = models.find((model) => model.name === name)?.rights.values() ?? [];
  const [key, ...others] = [...rights].filter(({ isKey }) => isKey);
  return others.length === 0 && key?.canFilter === true ? key.name : undefined;
}

function importsOf(rights: OverviewQuery["viewer"]["models"][number]): readonly ImportOperation[] {
  return [
    ...(rights.canBulkUpsert ? (["UPSERT"] as const) : []),
    ...(rights.canBulkCreate ? (["CREATE"] as const) : []),
    ...(rights.canBulkUpdateEach ? (["UPDATE"] as const) : []),
  ];
}

/** The mutations that launch bulk updates and deletes, by the input type that names their model. */
function readLaunches(mutations: OverviewQuery["mutations"]): ReadonlyMap<string, string> {
  const launches = new Map<string, string>();
  for (const { name, args } of mutations?.fields ?? []) {
    const types = new Map(args.map((one) => [one.name, bareType(one.type).name]));
    const data = types.get("data");
    const selection = types.get("selection");
    if (selection !== undefined) {
      launches.set(data ?? selection, name);
    }
  }
  return launches;
}

/** The type below its wrappers. */
export function bareType(type: TypeNameFragment): BareType {
  let inner: { kind: string; name?: string | null; ofType?: unknown } = type;
  let isList = false;
  const isRequired = type.kind === "NON_NULL";
  while (inner.ofType !== null && inner.ofType !== undefined) {
    isList ||= inner.kind === "LIST";
    inner = inner.ofType as typeof inner;
  }
  return { name: inner.name ?? "", kind: inner.kind, isList, isRequired };
}

/** `populationShare` as "Population share". */
export function inWords(name: string): string {
  const words = name
    .replaceAll("_", " ")
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .trim();
  const [first = "", ...rest] = words.split(/\s+/);
  const head = first.charAt(0).toUpperCase() + first.slice(1);
  return [head, ...rest.map((word) => (/^[A-Z]{2,}$/.test(word) ? word : word.toLowerCase()))].join(" ");
}
