import pluralize from "pluralize";
import { firstFree, isApiName, NO_API_NAME, plainName } from "../../core/records/api-name.ts";
import type { EnumOptionsMap, ModelOptionsMap } from "../../core/records/model-options.ts";
import { nestedRelations } from "../../core/bulk/nested-relations.ts";
import type { Model, ModelRegistry } from "../../core/records/model.ts";
import { namingKeys } from "../../core/records/record-name.ts";
import type { BuiltInNames, EnumNames, ModelNames, NameTable, TaskNames } from "./model-names.ts";
import {
  capitalized,
  columnTypesOf,
  compoundKeyTypes,
  enumTypes,
  modelTypes,
  nestedTypes,
  pluralMutations,
  pluralQueries,
  singleFields,
  taskNames,
  uncapitalized,
} from "./model-names.ts";
import type { Claimed, NameDesk, NameOwner } from "./name-desk.ts";
import { createNameDesk } from "./name-desk.ts";
import { nameFields, nameValues } from "./name-members.ts";

/** What a config says of names. */
export interface NameOptions {
  readonly models: ModelOptionsMap;
  readonly enums?: EnumOptionsMap | undefined;
  readonly tasks?: readonly NamedTask[];
}

/** A task of the app's own, as far as names go. */
export interface NamedTask {
  readonly kind: string;
  /** What its types have behind the task's name: `Input`, `InputMode`. */
  readonly suffixes: readonly string[];
}

/** The names of a schema. */
export interface ChosenNames {
  /** The models, with their names in the API. */
  readonly models: ModelRegistry;
  readonly names: NameTable;
  /** A line for each name that is not the usual one, for the operator. */
  readonly notices: readonly string[];
  /** A line for each name of the config's that cannot be. The schema must not be built then. */
  readonly problems: readonly string[];
}

/**
 * Chooses the names of all types and root fields, so that no two are the same. From the strongest: what the API needs for
 * itself, what the config sets, the models' and enums' own names, plurals, the types that are made for a model or enum, and
 * the tasks' names.
 * Where two of one rank want the same name, the shorter base has it, then the first in the alphabet. So a new model renames
 * nothing of another's, unless it has the name of the other's plural or of one of its types. Users read docs/names.md.
 */
export function chooseNames(models: ModelRegistry, options: NameOptions, builtIn: BuiltInNames): ChosenNames {
  const desk = createNameDesk(builtIn);
  const owners = ownersOf(models, options);
  const based = chooseBases(desk, owners).toSorted(
    (a, b) => a.base.length - b.base.length || compareTexts(a.base, b.base),
  );
  const plurals = choosePlurals(desk, based);
  const modelNames = new Map<string, ModelNames>();
  const enumNames = new Map<string, EnumNames>();
  for (const owner of based) {
    const nameFor = (pattern: (base: string) => string): string => typeBase(desk, owner, pattern);
    if (owner.kind === "Model") {
      const plural = plurals.get(owner.name) ?? owner.base;
      const fields = { ...singleFields(owner.base), ...pluralQueries(plural), ...pluralMutations(plural) };
      const compoundKeys = compoundKeyTypes(nameFor, compoundKeysOf(models.get(owner.name)));
      const nested = nestedTypes(nameFor, nestedRelationsOf(models, owner.name));
      modelNames.set(owner.name, { ...modelTypes(nameFor), ...fields, compoundKeys, nested });
    } else {
      enumNames.set(owner.name, { ...enumTypes(nameFor), values: nameValues(desk, owner) });
    }
  }
  return {
    models: models.map((model) => ({
      ...nameFields(desk, model, options.models[model.name]?.fields),
      apiName: modelNames.get(model.name)?.object ?? model.name,
    })),
    names: createNameTable(modelNames, enumNames, chooseTaskNames(desk, options.tasks ?? [])),
    notices: desk.notices,
    problems: desk.problems,
  };
}

/** An owner with the base of all its names. */
interface Based extends NameOwner {
  readonly base: string;
}

/** The exposed models, and the enums that they use. */
function ownersOf(models: ModelRegistry, options: NameOptions): readonly NameOwner[] {
  const used = new Set(
    models.all().flatMap(({ fields }) => fields.flatMap(({ kind, type }) => (kind === "enum" ? [type] : []))),
  );
  return [
    ...models.all().map(({ name }): NameOwner => ({
      kind: "Model",
      name,
      plain: plainName(name),
      setName: options.models[name]?.apiName,
      setPlural: options.models[name]?.plural,
      values: [],
      setValues: {},
    })),
    ...models
      .enums()
      .filter(({ name }) => used.has(name))
      .map(({ name, values }): NameOwner => ({
        kind: "Enum",
        name,
        plain: plainName(name),
        setName: options.enums?.[name]?.apiName,
        setPlural: undefined,
        values,
        setValues: options.enums?.[name]?.values ?? {},
      })),
  ];
}

/** What an owner of that base has for itself: its type, and the fields of one record. */
function ownClaims(kind: NameOwner["kind"], base: string): readonly Claimed[] {
  if (kind === "Enum") {
    return [`type ${base}`];
  }
  const { one, ...mutations } = singleFields(base);
  const names = Object.values(mutations).map((name): Claimed => `mutation ${name}`);
  return [`type ${base}`, `query ${one}`, ...names];
}

/** The base of each owner's names: as the config sets it, or its own name, or that with `Model` or `Enum` behind it. */
function chooseBases(desk: NameDesk, owners: readonly NameOwner[]): readonly Based[] {
  const unset = owners.filter(({ setName }) => setName === undefined);
  const based: Based[] = [];
  const take = (owner: NameOwner, base: string): void => {
    based.push({ ...owner, base });
    desk.give(ownClaims(owner.kind, base), `it is the name of ${wordsOf(owner)}`);
  };
  for (const owner of owners.filter(({ setName }) => setName !== undefined)) {
    const setName = owner.setName ?? "";
    const claims = ownClaims(owner.kind, setName);
    const rival = unset.find(({ kind, plain }) =>
      ownClaims(kind, plain).some((name) => claims.includes(name)),
    );
    const fault = !isApiName(setName)
      ? NO_API_NAME
      : (desk.holderOf(claims) ?? (rival && `it is the name of ${wordsOf(rival)}`));
    if (fault !== undefined) {
      desk.refuse(`${owner.kind} ${owner.name}`, "apiName", setName, fault);
    }
    take(owner, setName);
  }
  // A name that needs no other letters comes before one that does.
  const ranked = unset.toSorted(
    (a, b) => Number(a.plain !== a.name) - Number(b.plain !== b.name) || compareTexts(a.name, b.name),
  );
  const late = ranked.filter((owner) => {
    const isFree = desk.holderOf(ownClaims(owner.kind, owner.plain)) === undefined;
    if (isFree) {
      take(owner, owner.plain);
      tellOtherLetters(desk, owner);
    }
    return !isFree;
  });
  for (const owner of late) {
    const { kind, plain } = owner;
    const reason = desk.holderOf(ownClaims(kind, plain)) ?? "";
    const base = firstFree(`${plain}${kind}`, (name) => desk.holderOf(ownClaims(kind, name)) === undefined);
    take(owner, base);
    desk.tell(
      `${kind} ${owner.name} is called "${base}" in the API: "${plain}" is taken (${reason})`,
      "apiName",
    );
  }
  return based;
}

function tellOtherLetters(desk: NameDesk, { kind, name, plain }: NameOwner): void {
  if (plain !== name) {
    desk.tell(
      `${kind} ${name} is called "${plain}" in the API: GraphQL has the letters A to Z only`,
      "apiName",
    );
  }
}

function pluralClaims(plural: string): readonly Claimed[] {
  return [
    ...Object.values(pluralQueries(plural)).map((name): Claimed => `query ${name}`),
    ...Object.values(pluralMutations(plural)).map((name): Claimed => `mutation ${name}`),
  ];
}

/** The plural of each model: as the config sets it, or the English one, or the singular with `All` behind it. */
function choosePlurals(desk: NameDesk, owners: readonly Based[]): ReadonlyMap<string, string> {
  const models = owners.filter(({ kind }) => kind === "Model");
  const plurals = new Map<string, string>();
  const take = (owner: Based, plural: string): void => {
    plurals.set(owner.name, plural);
    desk.give(pluralClaims(plural), `it is the plural of ${wordsOf(owner)}`);
  };
  for (const owner of models.filter(({ setPlural }) => setPlural !== undefined)) {
    const setPlural = owner.setPlural ?? "";
    const fault = isApiName(setPlural) ? desk.holderOf(pluralClaims(setPlural)) : NO_API_NAME;
    if (fault !== undefined) {
      desk.refuse(`Model ${owner.name}`, "plural", setPlural, fault);
    }
    take(owner, setPlural);
  }
  for (const owner of models.filter(({ setPlural }) => setPlural === undefined)) {
    const one = uncapitalized(owner.base);
    const usual = pluralize.plural(one);
    // A name that is its own plural gets `All`, too: one query cannot be both.
    const holder = usual === one ? undefined : desk.holderOf(pluralClaims(usual));
    const isUsual = usual !== one && holder === undefined;
    const plural = isUsual
      ? usual
      : firstFree(`${one}All`, (name) => desk.holderOf(pluralClaims(name)) === undefined);
    take(owner, plural);
    if (holder !== undefined) {
      desk.tell(`Model ${owner.name} is listed by "${plural}": "${usual}" is taken (${holder})`, "plural");
    }
  }
  return plurals;
}

/** What stands for the owner in the name of one type: its base, or that with `Model` or `Enum` where the name is taken. */
function typeBase(desk: NameDesk, owner: Based, pattern: (base: string) => string): string {
  const { kind, base } = owner;
  const usual = pattern(base);
  if (usual === base) {
    return base;
  }
  const holder = desk.holderOf([`type ${usual}`]);
  const chosen =
    holder === undefined
      ? base
      : firstFree(`${base}${kind}`, (name) => desk.holderOf([`type ${pattern(name)}`]) === undefined);
  desk.give([`type ${pattern(chosen)}`], `it is a type of ${wordsOf(owner)}`);
  if (holder !== undefined) {
    desk.tell(
      `${kind} ${owner.name} has the type "${pattern(chosen)}" instead of "${usual}", which is taken (${holder})`,
      "apiName",
    );
  }
  return chosen;
}

/** The names of each task: those of its kind, or with `Task` behind it. The first in the config chooses first. */
function chooseTaskNames(desk: NameDesk, tasks: readonly NamedTask[]): ReadonlyMap<string, TaskNames> {
  const names = new Map<string, TaskNames>();
  for (const { kind, suffixes } of tasks) {
    const claimsOf = (base: string): readonly Claimed[] => [
      `mutation ${taskNames(base).launch}`,
      ...suffixes.map((suffix): Claimed => `type ${base}${suffix}`),
    ];
    const plain = capitalized(plainName(kind));
    const usual = /^[A-Z]/.test(plain) ? plain : `Task${plain}`;
    const holder = desk.holderOf(claimsOf(usual));
    const base =
      holder === undefined
        ? usual
        : firstFree(`${usual}Task`, (name) => desk.holderOf(claimsOf(name)) === undefined);
    names.set(kind, taskNames(base));
    desk.give(claimsOf(base), `it is a name of the task ${kind}`);
    if (holder !== undefined) {
      desk.tell(
        `Task ${kind} is launched by "${taskNames(base).launch}": a name that it would have is taken (${holder})`,
        "kind",
      );
    }
  }
  return names;
}

function createNameTable(
  models: ReadonlyMap<string, ModelNames>,
  enums: ReadonlyMap<string, EnumNames>,
  tasks: ReadonlyMap<string, TaskNames>,
): NameTable {
  const found = <Names>(all: ReadonlyMap<string, Names>, name: string): Names => {
    const names = all.get(name);
    if (names === undefined) {
      throw new TypeError(`${name} was given no names`);
    }
    return names;
  };
  return {
    of: ({ name }) => found(models, name),
    enum: (name) => found(enums, name),
    column: (field, scalar) => (field.kind === "enum" ? found(enums, field.type) : columnTypesOf(scalar)),
    task: (kind) => found(tasks, kind),
  };
}

/** The names of the model's keys of several fields. */
function compoundKeysOf(model: Model): readonly string[] {
  return namingKeys(model).flatMap(({ name, fields }) => (fields.length > 1 ? [name] : []));
}

/** The names of the model's relations to lists that can be written together with a record. */
function nestedRelationsOf(models: ModelRegistry, model: string): readonly string[] {
  return nestedRelations(models, models.get(model)).map(({ field }) => field.name);
}

/** `the model City` */
function wordsOf({ kind, name }: NameOwner): string {
  return `the ${kind.toLowerCase()} ${name}`;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
