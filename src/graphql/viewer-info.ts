import type { GraphQLSchema, GraphQLType } from "graphql";
import { getNamedType, isInputObjectType, isObjectType } from "graphql";
import type { Access, AccessAction, FieldAction } from "../core/access/access.ts";
import type { Viewer } from "../core/access/viewer.ts";
import { judgeFilter } from "../core/filters/asks-nothing.ts";
import { isReadable } from "../core/records/field-switches.ts";
import type { Field as ModelField, Model, ModelRegistry, RelationField } from "../core/records/model.ts";
import { apiNameOf, findModel, oppositeOf } from "../core/records/model.ts";
import { shownUpdatedAt } from "../core/records/writable-fields.ts";
import type { SchemaContext } from "./builder.ts";
import { describedValues } from "./builder.ts";
import type { ModelNames } from "./models/model-names.ts";

/** Which of a model's records a viewer reaches. */
type Reach = "ALL" | "SOME" | "NONE";

/** What the API offers for a field, or for a model's records. */
type Abilities<Name extends string> = { readonly [Ability in Name]: boolean };

const FIELD_ABILITIES = {
  canRead: "Whether its value can be selected.",
  canFilter: "Whether records can be found by it.",
  canSort: "Whether lists can be ordered by it.",
  canCreate: "Whether a new record may have it.",
  canUpdate: "Whether a single update may change it.",
  canBulkCreate: "Whether new records of a bulk operation may have it.",
  canBulkUpdate: "Whether the same change of many records may name it.",
  canBulkUpdateEach: "Whether a bulk operation may change it, each record in its own way.",
} as const;

type FieldAbilities = Abilities<keyof typeof FIELD_ABILITIES>;

const MODEL_ABILITIES = {
  canRead: "Whether there are records, or may be some, that the caller sees.",
  canCreate: "Whether one can be created.",
  canUpdate: "Whether one can be changed.",
  canUpsert: "Whether one can be changed or else created.",
  canDelete: "Whether one can be deleted.",
  canBulkCreate: "Whether a task can create many.",
  canBulkUpdate: "Whether a task can make the same change to many.",
  canBulkUpdateEach: "Whether a task can change many, each in its own way.",
  canBulkUpsert: "Whether a task can change or else create many.",
  canBulkDelete: "Whether a task can delete many.",
} as const;

type ModelAbilities = Abilities<keyof typeof MODEL_ABILITIES>;

/** What the API offers for a model, whoever asks. */
interface Offer extends ModelAbilities {
  readonly fields: readonly FieldAccess[];
}

interface ModelAccess extends Offer {
  readonly model: string;
  readonly reach: Reach;
}

interface FieldAccess extends FieldAbilities {
  readonly name: string;
  readonly isKey: boolean;
  readonly isUpdatedAt: boolean;
  readonly refersTo: FieldReference | null;
  readonly opposite: string | null;
}

/** What a field is to its record and to others. It is the same for all callers. */
type FieldLinks = Pick<FieldAccess, "isKey" | "isUpdatedAt" | "refersTo" | "opposite">;

/** What a column's values are. */
interface FieldReference {
  /** A model. */
  readonly model: string;
  /** The API's name of the field of that model's records which has the same value. */
  readonly field: string;
}

/** Adds the query `viewer`. What it says is read from the schema itself, so the two cannot differ. */
export function addViewerInfo(schema: SchemaContext, access: Access): void {
  const { builder, refs, models } = schema;
  const model = defineModelAccess(schema);
  const viewer = builder.objectRef<Viewer>("ViewerInfo").implement({
    description: "Who the caller is, and what the caller may do.",
    fields: (t) => ({
      id: t.exposeID("id", { nullable: true, description: "Null for an anonymous caller." }),
      roles: t.stringList({
        description: "Names that the app's rules ask for.",
        resolve: ({ roles }) => roles ?? [],
      }),
      models: t.field({
        type: [model],
        description: "What the caller may do with records, by model.",
        args: { names: t.arg({ type: [refs.modelName], description: "Only these. Default: all." }) },
        resolve: (caller, { names }, _context, info) =>
          models
            .all()
            .filter(({ name }) => names?.includes(name) ?? true)
            .map((each) => accessOf(schema, access, caller, each, info.schema)),
      }),
    }),
  });
  builder.queryField("viewer", (t) =>
    t.field({
      type: viewer,
      description:
        "Who the caller is, and what the caller may do per model and field: front ends draw from it. The rules hold anyway.",
      resolve: (_root, _args, context) => context.viewer,
    }),
  );
}

function defineModelAccess({ builder, refs }: SchemaContext) {
  const reach = builder.enumType("RecordReach", {
    description: "Which of a model's records the caller reaches.",
    values: describedValues<Reach>({
      ALL: "All of them.",
      SOME: "Those within the caller's scope.",
      NONE: "None: the caller may do nothing with the model.",
    }),
  });
  const reference = builder.objectRef<FieldReference>("FieldReference").implement({
    description: "The field of other records whose values a column has.",
    fields: (t) => ({
      model: t.expose("model", { type: refs.modelName }),
      field: t.exposeString("field"),
    }),
  });
  const field = builder.objectRef<FieldAccess>("FieldAccess").implement({
    description: "What the caller may do with a field of a model's records.",
    fields: (t) => ({
      name: t.exposeString("name"),
      refersTo: t.expose("refersTo", {
        type: reference,
        nullable: true,
        description: "What its values are, for a column by which a record refers to another one.",
      }),
      isKey: t.exposeBoolean("isKey", {
        description: "Whether its value is the record's id, or a part of it.",
      }),
      isUpdatedAt: t.exposeBoolean("isUpdatedAt", {
        description:
          "Whether it is the `@updatedAt` that `expectedUpdatedAt` is compared with. A model without one has no such argument.",
      }),
      opposite: t.exposeString("opposite", {
        nullable: true,
        description: "For a relation: the field by which the related records lead back, if they have one.",
      }),
      ...abilities(FIELD_ABILITIES, (name, description) => t.exposeBoolean(name, { description })),
    }),
  });
  return builder.objectRef<ModelAccess>("ModelAccess").implement({
    description: "What the caller may do with the records of a model.",
    fields: (t) => ({
      model: t.expose("model", { type: refs.modelName }),
      reach: t.expose("reach", { type: reach }),
      ...abilities(MODEL_ABILITIES, (name, description) => t.exposeBoolean(name, { description })),
      fields: t.expose("fields", {
        type: [field],
        description: "Its fields and relations, without hidden ones.",
      }),
    }),
  });
}

function abilities<Name extends string, Field>(
  words: Readonly<Record<Name, string>>,
  field: (name: Name, description: string) => Field,
): Record<Name, Field> {
  const names = Object.keys(words) as Name[];
  return Object.fromEntries(names.map((name) => [name, field(name, words[name])])) as Record<Name, Field>;
}

function accessOf(
  { models, names }: SchemaContext,
  access: Access,
  viewer: Viewer,
  model: Model,
  schema: GraphQLSchema,
): ModelAccess {
  const reach = reachOf(models, model, access, viewer);
  const offer = offerOf(schema, { names: names.of(model), models }, model);
  const allowed = reach === "NONE" ? withdrawn(offer) : narrowed(offer, { access, viewer, model });
  return { ...allowed, model: model.name, reach };
}

/** Which of a model's records a viewer reads, as far as the scope tells without asking the database. */
export function reachOf(models: ModelRegistry, model: Model, access: Access, viewer: Viewer): Reach {
  const scope = access.scope(model.name, viewer, "READ");
  const { value, isSure } =
    scope === undefined ? { value: "EMPTY", isSure: true } : judgeFilter(models, model, scope);
  switch (value) {
    case "EMPTY":
      return "ALL";
    case "TRUE":
      return isSure ? "ALL" : "SOME";
    case "UNFILLED":
      return "NONE";
    case "FALSE":
      return isSure ? "NONE" : "SOME";
    default:
      return "SOME";
  }
}

/** The offer as far as the access rules allow it. */
function narrowed(
  offer: Offer,
  { access, viewer, model }: { readonly access: Access; readonly viewer: Viewer; readonly model: Model },
): Offer {
  const may = (action: AccessAction): boolean => access.isAllowed(model.name, viewer, action);
  const [canCreate, canUpdate, canDelete] = [may("CREATE"), may("UPDATE"), may("DELETE")];
  const names = new Map(model.fields.map(({ apiName, name }) => [apiName, name]));
  const mayField = (apiName: string, action: FieldAction): boolean =>
    access.isFieldAllowed(model.name, names.get(apiName) ?? apiName, viewer, action);
  return {
    canRead: offer.canRead,
    canCreate: offer.canCreate && canCreate,
    canUpdate: offer.canUpdate && canUpdate,
    canUpsert: offer.canUpsert && canCreate && canUpdate,
    canDelete: offer.canDelete && canDelete,
    canBulkCreate: offer.canBulkCreate && canCreate,
    canBulkUpdate: offer.canBulkUpdate && canUpdate,
    canBulkUpdateEach: offer.canBulkUpdateEach && canUpdate,
    canBulkUpsert: offer.canBulkUpsert && canCreate && canUpdate,
    canBulkDelete: offer.canBulkDelete && canDelete,
    fields: offer.fields.map(({ name, isKey, isUpdatedAt, refersTo, opposite, ...can }) => {
      const canRead = mayField(name, "READ");
      const canWrite = mayField(name, "WRITE");
      return {
        name,
        isKey,
        isUpdatedAt,
        refersTo,
        opposite,
        ...maskOf(can, { canRead, creates: canCreate && canWrite, updates: canUpdate && canWrite }),
      };
    }),
  };
}

function maskOf(
  can: FieldAbilities,
  {
    canRead,
    creates,
    updates,
  }: { readonly canRead: boolean; readonly creates: boolean; readonly updates: boolean },
): FieldAbilities {
  return {
    canRead: can.canRead && canRead,
    canFilter: can.canFilter && canRead,
    canSort: can.canSort && canRead,
    canCreate: can.canCreate && creates,
    canUpdate: can.canUpdate && updates,
    canBulkCreate: can.canBulkCreate && creates,
    canBulkUpdate: can.canBulkUpdate && updates,
    canBulkUpdateEach: can.canBulkUpdateEach && updates,
  };
}

function withdrawn({ fields, ...offer }: Offer): Offer {
  return {
    ...closed(offer),
    fields: fields.map(({ name, isKey, isUpdatedAt, refersTo, opposite, ...can }) => ({
      name,
      isKey,
      isUpdatedAt,
      refersTo,
      opposite,
      ...closed(can),
    })),
  };
}

function closed<Name extends string>(can: Abilities<Name>): Abilities<Name> {
  return Object.fromEntries(Object.keys(can).map((name) => [name, false])) as Abilities<Name>;
}

const offers = new WeakMap<GraphQLSchema, Map<string, Offer>>();

/** What the names of a model's fields and the records they refer to are read from. */
interface Naming {
  readonly names: ModelNames;
  readonly models: ModelRegistry;
}

/** Read once per schema. */
function offerOf(schema: GraphQLSchema, naming: Naming, model: Model): Offer {
  const known = offers.get(schema) ?? new Map<string, Offer>();
  offers.set(schema, known);
  const offer = known.get(model.name) ?? readOffer(schema, naming, model);
  known.set(model.name, offer);
  return offer;
}

function readOffer(schema: GraphQLSchema, naming: Naming, model: Model): Offer {
  const { names } = naming;
  const mutations = schema.getMutationType()?.getFields() ?? {};
  return {
    canRead: true,
    canCreate: names.create in mutations,
    canUpdate: names.update in mutations,
    canUpsert: names.upsert in mutations,
    canDelete: names.delete in mutations,
    canBulkCreate: names.bulkCreate in mutations,
    canBulkUpdate: names.bulkUpdate in mutations,
    canBulkUpdateEach: names.bulkUpdateEach in mutations,
    canBulkUpsert: names.bulkUpsert in mutations,
    canBulkDelete: names.bulkDelete in mutations,
    fields: readFields(schema, naming, model),
  };
}

function readFields(schema: GraphQLSchema, { names, models }: Naming, model: Model): readonly FieldAccess[] {
  const mutations = schema.getMutationType()?.getFields() ?? {};
  const argument = (mutation: string, name: string): Members =>
    membersOf(mutations[mutation]?.args.find((each) => each.name === name)?.type);
  const readable = membersOf(schema.getType(names.object));
  const filters = membersOf(schema.getType(names.where));
  const orders = membersOf(schema.getType(names.orderBy));
  const creates = argument(names.create, "data");
  const updates = argument(names.update, "data");
  const bulkCreates = argument(names.bulkCreate, "data");
  const bulkUpdates = argument(names.bulkUpdate, "data");
  const bulkUpdatesEach = membersOf(argument(names.bulkUpdateEach, "records")["data"]?.type);
  return model.fields.filter(isReadable).map((field) => {
    const { apiName: name } = field;
    return {
      name,
      ...linksOf(models, model, field),
      canRead: name in readable,
      canFilter: name in filters,
      canSort: name in orders,
      canCreate: name in creates,
      canUpdate: name in updates,
      canBulkCreate: name in bulkCreates,
      canBulkUpdate: name in bulkUpdates,
      canBulkUpdateEach: name in bulkUpdatesEach,
    };
  });
}

function linksOf(models: ModelRegistry, model: Model, field: ModelField): FieldLinks {
  const opposite = field.kind === "relation" ? oppositeOf(models, model, field) : undefined;
  return {
    isKey: model.key.some(({ name }) => name === field.name),
    isUpdatedAt: shownUpdatedAt(model)?.name === field.name,
    refersTo: field.kind === "relation" ? null : referenceOf(models, model, field.name),
    opposite: opposite !== undefined && isReadable(opposite) ? opposite.apiName : null,
  };
}

/** Null where no readable relation has the column as its only foreign key. */
function referenceOf(models: ModelRegistry, model: Model, column: string): FieldReference | null {
  const relation = model.fields.find(
    (field): field is RelationField =>
      field.kind === "relation" &&
      isReadable(field) &&
      field.foreignKey.length === 1 &&
      field.foreignKey[0] === column,
  );
  const other = findModel(models, relation?.type);
  const [key] = relation?.references ?? other?.key.map(({ name }) => name) ?? [];
  return other === undefined || key === undefined
    ? null
    : { model: other.name, field: apiNameOf(other, key) };
}

type Members = Readonly<Record<string, { readonly type: GraphQLType }>>;

/** The fields of an object or input type, also inside of lists; none where there is no such type. */
function membersOf(type: GraphQLType | undefined): Members {
  const named = getNamedType(type);
  return isInputObjectType(named) || isObjectType(named) ? named.getFields() : {};
}
