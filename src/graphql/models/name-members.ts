import { isLogic } from "../../core/filters/operators.ts";
import { firstFree, isApiName, NO_API_NAME, plainName } from "../../core/records/api-name.ts";
import type { Field, Model } from "../../core/records/model.ts";
import type { NameDesk, NameOwner } from "./name-desk.ts";
import { RECORD_FIELDS } from "./model-names.ts";

/** Options of fields, as far as names go. */
type NamedFields = Readonly<Record<string, { readonly apiName?: string | undefined } | undefined>>;

const OWN_FIELDS: ReadonlySet<string> = new Set(Object.values(RECORD_FIELDS));

/** The model with its fields' names in the API: each its own, or with `_` behind it where the API needs that for itself. */
export function nameFields(desk: NameDesk, model: Model, options: NamedFields = {}): Model {
  const names = nameMembers(desk, {
    // A column `id` that is not the record's id was renamed when the key was chosen.
    members: model.fields.map(({ name, apiName }) => ({
      name,
      usual: apiName,
      setName: options[name]?.apiName,
    })),
    isOwn: (name) => isLogic(name) || OWN_FIELDS.has(name),
    whose: (name) => `Field ${model.name}.${name}`,
  });
  const rename = <F extends Field>(field: F): F => ({
    ...field,
    apiName: names.get(field.name) ?? field.apiName,
  });
  return {
    ...model,
    fields: model.fields.map(rename),
    key: model.key.map(rename),
    uniques: model.uniques.map((unique) => ({ ...unique, fields: unique.fields.map(rename) })),
  };
}

/** Words that GraphQL does not take as values of an enum. */
const RESERVED_VALUES: ReadonlySet<string> = new Set(["true", "false", "null"]);

/** The values of an enum by their names in the API. */
export function nameValues(
  desk: NameDesk,
  { name: type, values, setValues }: Pick<NameOwner, "name" | "values" | "setValues">,
): Readonly<Record<string, string>> {
  const names = nameMembers(desk, {
    members: values.map((name) => ({ name, usual: name, setName: setValues[name] })),
    isOwn: (name) => RESERVED_VALUES.has(name),
    whose: (name) => `Value ${type}.${name}`,
  });
  return Object.fromEntries([...names].map(([value, name]) => [name, value]));
}

/** Fields of a model, or values of an enum. */
interface Members {
  readonly members: readonly {
    readonly name: string;
    readonly usual: string;
    readonly setName: string | undefined;
  }[];
  /** Whether the API or GraphQL needs the name for itself. */
  readonly isOwn: (name: string) => boolean;
  readonly whose: (name: string) => string;
}

/** Names in the API by names in the Prisma schema: those of the config first, then those that need no change. */
function nameMembers(desk: NameDesk, { members, isOwn, whose }: Members): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const given = new Set<string>();
  const take = (name: string, apiName: string): void => {
    names.set(name, apiName);
    given.add(apiName);
  };
  const unset = members.filter(({ setName }) => setName === undefined);
  const usualNames = new Set(unset.map(({ usual }) => usual));
  for (const { name, setName } of members) {
    if (setName !== undefined) {
      const fault = faultOf(setName, isOwn, (other) => given.has(other) || usualNames.has(other));
      if (fault !== undefined) {
        desk.refuse(whose(name), "apiName", setName, fault);
      }
      take(name, setName);
    }
  }
  const late = unset.filter(({ name, usual }) => {
    const isFree = isApiName(usual) && !isOwn(usual) && !given.has(usual);
    if (isFree) {
      take(name, usual);
    }
    return !isFree;
  });
  for (const { name, usual } of late) {
    const plain = plainName(usual);
    const isFree = (candidate: string): boolean => !isOwn(candidate) && !given.has(candidate);
    const apiName = isFree(plain) ? plain : firstFree(`${plain}_`, isFree);
    take(name, apiName);
    const reason = isOwn(plain)
      ? `"${plain}" is taken (the API needs it for itself)`
      : "GraphQL has the letters A to Z only";
    desk.tell(`${whose(name)} is called "${apiName}" in the API: ${reason}`, "apiName");
  }
  return new Map(members.map(({ name }) => [name, names.get(name) ?? name]));
}

function faultOf(
  name: string,
  isOwn: (name: string) => boolean,
  isGiven: (name: string) => boolean,
): string | undefined {
  if (!isApiName(name)) {
    return NO_API_NAME;
  }
  if (isOwn(name)) {
    return "the API needs it for itself";
  }
  return isGiven(name) ? "another one has it already" : undefined;
}
