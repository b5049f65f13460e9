import { isThenable } from "@pothos/core";
import type {
  GraphQLArgument,
  GraphQLField,
  GraphQLInputField,
  GraphQLInputType,
  GraphQLSchema,
} from "graphql";
import {
  defaultFieldResolver,
  getNamedType,
  getNullableType,
  GraphQLID,
  isInputObjectType,
  isListType,
  isObjectType,
  isUnionType,
} from "graphql";
import type { Model, ModelRegistry } from "../core/records/model.ts";
import type { WriteId } from "../core/records/typed-id.ts";
import { createTypedIdWriter, parseTypedId } from "../core/records/typed-id.ts";
import type { RecordProblem } from "../core/refusals/problems.ts";
import { invalid, problem } from "../core/refusals/problems.ts";
import { refusalTypeOf } from "../core/refusals/refusals.ts";
import { AppError } from "../kernel/app-error.ts";
import { visitInTurns } from "../kernel/turns.ts";
import { fieldPath } from "../core/bulk/bulk-request.ts";
import type { GraphQLContext } from "./builder.ts";
import type { IdOwner } from "./record-ids.ts";
import { ownerOf, readArgumentsBy } from "./record-ids.ts";

/**
 * Gives and takes the ids of records with their models' names, `City:2988507`, wherever a schema has ids of records (see
 * idsOf). Behind the schema ids are plain, so that what is stored does not depend on it.
 */
export function addTypedIds(schema: GraphQLSchema, models: ModelRegistry): void {
  const writeId = createTypedIdWriter(models);
  const reader = createArgumentReader(schema, models);
  for (const type of Object.values(schema.getTypeMap())) {
    if (isObjectType(type) && !type.name.startsWith("__")) {
      for (const field of Object.values(type.getFields()) as Field[]) {
        giveTypedIds(writeId, field);
        takeTypedIds(reader, field);
      }
    }
  }
}

type Field = GraphQLField<unknown, GraphQLContext>;
type Members = Readonly<Record<string, unknown>>;

function giveTypedIds(writeId: WriteId, field: Field): void {
  const owner = ownerOf(field);
  if (owner === undefined || getNamedType(field.type) !== GraphQLID) {
    return;
  }
  const resolve = field.resolve ?? defaultFieldResolver;
  field.resolve = (parent, args, context, info) => {
    const give = (ids: unknown): unknown => {
      const name = modelNameOf(owner, parent);
      const one = (id: unknown): unknown =>
        id === null || id === undefined ? id : writeId(name, id as string);
      return Array.isArray(ids) ? ids.map(one) : one(ids);
    };
    const ids: unknown = resolve(parent, args, context, info);
    return isThenable(ids) ? ids.then(give) : give(ids);
  };
}

function modelNameOf(owner: IdOwner, beside: unknown): string | null | undefined {
  return typeof owner === "string" ? owner : owner(beside);
}

function takeTypedIds(reader: ArgumentReader, field: Field): void {
  const read = reader(field.args);
  if (read === undefined) {
    return;
  }
  const { resolve, subscribe } = field;
  const named = getNamedType(field.type);
  const isRefused =
    isUnionType(named) && named.getTypes().some(({ name }) => name === refusalTypeOf("INVALID"));
  readArgumentsBy(field as GraphQLField<unknown, unknown>, (args) => orThrow(read(args)));
  const reading =
    (call: NonNullable<Field["resolve"]>): NonNullable<Field["resolve"]> =>
    (parent, args: Members, context, info) => {
      const goOn = (taken: TakenArguments): unknown =>
        isRefused && taken.problems.length > 0
          ? invalid(taken.problems)
          : call(parent, orThrow(taken), context, info);
      const longLists: LongList[] = [];
      const taken = read(args, longLists);
      return longLists.length === 0 ? goOn(taken) : takeInTurns(longLists).then(() => goOn(taken));
    };
  if (resolve !== undefined) {
    field.resolve = reading(resolve);
  }
  if (subscribe !== undefined) {
    field.subscribe = reading(subscribe);
  }
}

function orThrow({ args, problems: [first] }: TakenArguments): Record<string, unknown> {
  if (first !== undefined) {
    throw new AppError("VALIDATION_FAILED", first.message, { details: { field: first.field } });
  }
  return args;
}

interface TakenArguments {
  readonly args: Record<string, unknown>;
  readonly problems: readonly RecordProblem[];
}

/**
 * Makes what takes typed ids out of a field's arguments; undefined if no record's id can be among them.
 * @returns a function that leaves out the items of long lists where it is given `longLists`, to which it adds what puts them in
 */
type ArgumentReader = (
  args: readonly GraphQLArgument[],
) => ((args: Members, longLists?: LongList[]) => TakenArguments) | undefined;

/** Items that are taken a piece in a turn of the event loop. */
interface LongList {
  readonly items: readonly unknown[];
  /** @returns whether the next items matter */
  readonly take: (item: unknown, at: number) => boolean;
}

/** Lists up to this length are taken in one go. */
const LONG_LIST = 1_000;
/** Problems that are told. */
const MAX_PROBLEMS = 10;

async function takeInTurns(lists: readonly LongList[]): Promise<void> {
  // Items may have long lists of their own, which are added behind.
  for (const { items, take } of lists) {
    await visitInTurns(items, take);
  }
}

/** A member that may hold ids. */
interface Place {
  readonly name: string;
  readonly type: GraphQLInputType;
  readonly owner: IdOwner | undefined;
}

function createArgumentReader(schema: GraphQLSchema, models: ModelRegistry): ArgumentReader {
  const placesOf = createPlaceFinder(schema);
  const byName = new Map(models.all().map((model) => [model.name, model]));
  return (all) => {
    const places = placesOf.among(all);
    const unnamed = all.some(({ name }) => name === "options") ? NONE : VALUES;
    return places.length === 0
      ? undefined
      : (args, longLists) => {
          const problems: RecordProblem[] = [];
          const shared = { models: byName, placesOf, problems, longLists };
          const walk: Walk = { ...shared, owner: undefined, path: "", unnamed };
          return { args: takeMembers(walk, places, args), problems };
        };
  };
}

interface Walk {
  readonly models: ReadonlyMap<string, Model>;
  readonly placesOf: PlaceFinder;
  readonly problems: RecordProblem[];
  readonly longLists: LongList[] | undefined;
  /** Whose ids those are that say nothing themselves. */
  readonly owner: string | null | undefined;
  readonly path: string;
  /** The members that the paths of problems leave out: a single write names a field of its record alone. */
  readonly unnamed: ReadonlySet<string>;
}

const VALUES: ReadonlySet<string> = new Set(["data", "create", "update"]);
const NONE: ReadonlySet<string> = new Set();

function takeMembers(walk: Walk, places: readonly Place[], members: Members): Record<string, unknown> {
  const taken: Record<string, unknown> = { ...members };
  for (const { name, type, owner } of places) {
    if (members[name] !== undefined && members[name] !== null) {
      const inner = owner === undefined ? walk.owner : modelNameOf(owner, members);
      const isUnnamed = walk.unnamed.has(name) || (owner === undefined && walk.owner !== undefined);
      const path = isUnnamed ? walk.path : fieldPath(walk.path, name);
      taken[name] = takeValue({ ...walk, owner: inner, path, unnamed: NONE }, type, members[name]);
    }
  }
  return taken;
}

function takeValue(walk: Walk, type: GraphQLInputType, value: unknown): unknown {
  const nullable = getNullableType(type);
  if (isListType(nullable) && Array.isArray(value)) {
    const item = nullable.ofType;
    const isList = isInputObjectType(getNamedType(item));
    const items: unknown[] = [];
    const take = (each: unknown, at: number): boolean => {
      items.push(takeValue(isList ? { ...walk, path: `${walk.path}.${at}` } : walk, item, each));
      return walk.problems.length < MAX_PROBLEMS;
    };
    if (walk.longLists !== undefined && value.length > LONG_LIST) {
      walk.longLists.push({ items: value, take });
    } else {
      value.every(take);
    }
    return items;
  }
  if (isInputObjectType(nullable)) {
    return takeMembers(walk, walk.placesOf.in(nullable), value as Members);
  }
  const model = walk.models.get(walk.owner ?? "");
  const parsed = model === undefined ? { value } : parseTypedId(model, String(value));
  if ("value" in parsed) {
    return parsed.value;
  }
  walk.problems.push(...parsed.problems.map(({ message }) => problem(message, walk.path)));
  return value;
}

/** Finds the members that hold records' ids at any depth. */
interface PlaceFinder {
  among(members: readonly (GraphQLArgument | GraphQLInputField)[]): readonly Place[];
  in(type: GraphQLInputType): readonly Place[];
}

function createPlaceFinder(schema: GraphQLSchema): PlaceFinder {
  const carriers = findCarriers(schema);
  const known = new Map<GraphQLInputType, readonly Place[]>();
  const among: PlaceFinder["among"] = (members) =>
    members
      .filter(({ type }) => carriers.has(getNamedType(type)))
      .map((member) => ({ name: member.name, type: member.type, owner: ownerOf(member) }));
  return {
    among,
    in(type) {
      const places =
        known.get(type) ?? (isInputObjectType(type) ? among(Object.values(type.getFields())) : []);
      known.set(type, places);
      return places;
    },
  };
}

/** The input types with a field of the type ID, at any depth. */
function findCarriers(schema: GraphQLSchema): ReadonlySet<unknown> {
  const carriers = new Set<unknown>([GraphQLID]);
  const inputs = Object.values(schema.getTypeMap()).filter(isInputObjectType);
  for (let before = 0; before < carriers.size;) {
    before = carriers.size;
    for (const input of inputs) {
      if (Object.values(input.getFields()).some(({ type }) => carriers.has(getNamedType(type)))) {
        carriers.add(input);
      }
    }
  }
  return carriers;
}
