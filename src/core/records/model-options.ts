import type { Json } from "../../kernel/json.ts";
import type { MembersOf, MembersShape } from "../../kernel/shape.ts";
import type { Access, WhereFilter } from "../access/access.ts";
import type { AccessOption, AccessRule } from "../access/access-rules.ts";
import { accessOptionShape, createAccess } from "../access/access-rules.ts";
import type { AppDependents, DependentsContext } from "../locks/app-dependents.ts";
import type { LockScopes } from "../locks/claim.ts";
import type { Viewer } from "../access/viewer.ts";
import type { NotifyRule } from "../tasks/notify.ts";
import { NOTIFY_RULES_SHAPE } from "../tasks/notify.ts";
import type { FieldSwitches } from "./field-switches.ts";
import { FIELD_SWITCH_MEMBERS } from "./field-switches.ts";
import type { AppRecord, WriteRules } from "./write-hooks.ts";
import { WRITE_RULES_MEMBERS } from "./write-hooks.ts";

/** The names of a model's fields, as types. */
export interface FieldNames {
  readonly columns: string;
  readonly relations: string;
  /** Those of the relations that are many-to-many. */
  readonly links: string;
}

/** A filter of the model whose top-level names are checked. */
type ScopeFilter<Names extends FieldNames> = string extends Names["columns"]
  ? WhereFilter
  : { readonly [Name in Names["columns"] | Names["relations"]]?: Json } & {
      readonly AND?: ScopeFilter<Names> | readonly ScopeFilter<Names>[];
      readonly OR?: readonly ScopeFilter<Names>[];
      readonly NOT?: ScopeFilter<Names> | readonly ScopeFilter<Names>[];
    };

/** The names of the fields whose values are texts, but not those of enums, which are known texts only. */
type TextField<Row> = string extends keyof Row
  ? string
  : {
      [Name in keyof Row]: string extends NonNullable<Row[Name]>
        ? NonNullable<Row[Name]> extends string
          ? Name
          : never
        : never;
    }[keyof Row];

/**
 * An app's options for one of its models; all are optional.
 * @typeParam Row the model's records, as Prisma types them
 * @typeParam Client Prisma's client inside a transaction
 */
export interface ModelOptions<
  Row = AppRecord,
  Client = unknown,
  Names extends FieldNames = FieldNames,
> extends WriteRules<Row, Client, Names["links"]> {
  /** False keeps the model out of the API altogether. Default true. */
  readonly isExposed?: boolean;
  /**
   * The name of its GraphQL type, and the base of its other names. Default: its name in the Prisma schema, or, where the
   * API needs that name for itself, that with `Model` behind it. Prisma's client keeps its own name.
   */
  readonly apiName?: string;
  /** Plural in camel case, for names such as `cities` and `bulkUpdateCities`. Default: the English plural. */
  readonly plural?: string;
  /**
   * Options of single fields, by name: columns and relations. Win over `/// @powercrud(…)` in the Prisma schema, switch by
   * switch.
   */
  readonly fields?: { readonly [Name in Names["columns"] | Names["relations"]]?: FieldOptions };
  /** Who may read, create, update and delete which records, and read and write which fields. */
  readonly access?: AccessOption<ScopeFilter<Names>, Names["columns"] | Names["relations"]>;
  /**
   * The text fields that `search` looks into, the most important first: lists, figures and bulk selections of the model
   * take it then. `powercrud migrate` prints the indexes that make it fast. Default: none, and no `search`.
   */
  readonly search?: readonly TextField<Row>[];
  /**
   * The database's text search configuration for these texts, such as `french`, which finds words by their stems.
   * Default: `simple`, which takes words as they are, in any language.
   */
  readonly searchConfiguration?: string;
  /**
   * The lock scope of a viewer, by name, such as the tenant's: a lock on the whole model then holds only for viewers
   * with the same name. Viewers with different names must never be able to write the same record (see `access`).
   * Default: one scope for all.
   */
  readonly lockScope?: (viewer: Viewer) => string | undefined;
  /** Whom to tell how a bulk operation on the model ends, unless its kind or the launch says. Default: `notify.default`. */
  readonly notify?: readonly NotifyRule[];
  /**
   * The records that the hooks change along with an updated or deleted record, by their model. They are locked before the
   * write begins, single or bulk; with `onConflict: WAIT` a task waits for them, too. Default: none.
   */
  readonly dependents?: AppDependents<DependentsContext<Client>>;
  readonly bulk?: {
    /** How many workers, or slots of workers, may write one SKIP_FAILED task at the same time. Default: 2. */
    readonly parallelism?: number;
    /** The most records of one chunk. Default: POWERCRUD_CHUNK_RECORDS. */
    readonly chunkRecords?: number;
  };
}

/** An app's options for one field; all are optional. */
export interface FieldOptions extends FieldSwitches {
  /** Its name in the API. Default: as in the Prisma schema, with `_` behind it where that is taken. */
  readonly apiName?: string;
}

/** An app's options for one of its enums; all are optional. */
export interface EnumOptions<Value extends string = string> {
  /** The name of its GraphQL type. Default: its name in the Prisma schema, with `Enum` behind it where that is taken. */
  readonly apiName?: string;
  /** Names of values in the API, by their names in the Prisma schema. Default: the same names. */
  readonly values?: string extends Value
    ? Readonly<Record<string, string>>
    : { readonly [Name in Value]?: string };
}

/** Options by the name of the enum. */
export type EnumOptionsMap = Readonly<Record<string, EnumOptions>>;

/** See {@link EnumOptions}. */
export function enumOptionsShape(values: readonly string[]): MembersShape {
  const members: MembersOf<EnumOptions> = {
    apiName: { kind: "TEXT" },
    values: { kind: "MAP", of: () => ({ kind: "TEXT" }), words: values, what: "a value of the enum" },
  };
  return { kind: "MEMBERS", members };
}

/** Options by model name. */
export type ModelOptionsMap = Readonly<Record<string, ModelOptions>>;

/**
 * See {@link ModelOptions}.
 * @param names the model's columns and relations
 * @param models the names of all models
 */
export function modelOptionsShape(
  { columns, relations }: KnownFields,
  models: readonly string[],
): MembersShape {
  const bulk: MembersOf<Required<ModelOptions>["bulk"]> = {
    parallelism: { kind: "WHOLE_NUMBER", min: 1 },
    chunkRecords: { kind: "WHOLE_NUMBER", min: 1 },
  };
  const field: MembersOf<FieldOptions> = { ...FIELD_SWITCH_MEMBERS, apiName: { kind: "TEXT" } };
  const members: MembersOf<ModelOptions> = {
    ...WRITE_RULES_MEMBERS,
    isExposed: { kind: "FLAG" },
    apiName: { kind: "TEXT" },
    plural: { kind: "TEXT" },
    fields: {
      kind: "MAP",
      of: () => ({ kind: "MEMBERS", members: field }),
      words: [...columns, ...relations],
      what: "a field of the model",
    },
    access: accessOptionShape([...columns, ...relations]),
    search: { kind: "LIST", of: { kind: "TEXT" } },
    searchConfiguration: { kind: "TEXT" },
    lockScope: { kind: "FUNCTION" },
    notify: NOTIFY_RULES_SHAPE,
    dependents: { kind: "MAP", of: () => ({ kind: "FUNCTION" }), words: models, what: "a model" },
    bulk: { kind: "MEMBERS", members: bulk },
  };
  return { kind: "MEMBERS", members };
}

/** The names of a model's fields. */
export type KnownFields = { readonly [Name in keyof FieldNames]: readonly string[] };

/** The lock scopes in the models' options. */
export function lockScopesOf(options: ModelOptionsMap): LockScopes {
  return { of: (model, viewer) => options[model]?.lockScope?.(viewer) };
}

/** What the rules in the models' options allow. @param defaultRule for actions without a rule of their own. Default: true */
export function accessOf(options: ModelOptionsMap, defaultRule?: AccessRule): Access {
  return createAccess((model) => options[model]?.access, defaultRule);
}

/** Whether some viewers may see only some records of the model, so that a link to one may be hidden. */
export function hidesRecords({ access }: ModelOptions = {}): boolean {
  const read = typeof access === "object" ? access.read : access;
  return typeof read === "function" || read === false;
}
