import { nearestName } from "./nearest-name.ts";

/**
 * What a value that an app's author has written must look like. A member that is left out, or undefined, is always allowed,
 * unless it is required.
 */
export type Shape =
  | { readonly kind: "ANY" | "FUNCTION" | "TEXT" | "FLAG" }
  /** A function, or a list of functions. */
  | { readonly kind: "FUNCTIONS" }
  /** A name in camel case. */
  | { readonly kind: "NAME" }
  | { readonly kind: "WHOLE_NUMBER"; readonly min: number }
  /** One of the words. `what` says what they are, after "is not". */
  | { readonly kind: "WORD"; readonly words: readonly string[]; readonly what: string }
  | { readonly kind: "LIST"; readonly of: Shape }
  | MembersShape
  /** An object whose members are all of one shape. `words` are the names that it may have; default: any. */
  | {
      readonly kind: "MAP";
      readonly of: (name: string) => Shape;
      readonly words?: readonly string[];
      readonly what?: string;
    }
  /** A function, or what else the shape says. */
  | { readonly kind: "FUNCTION_OR"; readonly other: Shape }
  /** True, false, or what else the shape says. */
  | { readonly kind: "FLAG_OR"; readonly other: Shape };

/** An object with these members, and no others. */
export interface MembersShape {
  readonly kind: "MEMBERS";
  readonly members: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
}

/** A shape for each member of an interface: one that is forgotten does not compile. */
export type MembersOf<Options> = { readonly [Name in keyof Required<Options>]: Shape };

/**
 * What is wrong with the value: a line for each fault, with its place.
 * @param place the value's name for the author: `models.City`
 */
export function findFaults(value: unknown, shape: Shape, place: string): readonly string[] {
  // The compiler cannot see that the function and the shape are of one kind.
  const find = FINDERS[shape.kind] as Find<Shape>;
  return find(value, shape, place);
}

type Find<Kind> = (value: unknown, shape: Kind, place: string) => readonly string[];

const FINDERS: { readonly [Kind in Shape["kind"]]: Find<Extract<Shape, { kind: Kind }>> } = {
  ANY: () => [],
  FUNCTION: (value, _shape, place) => oneFault(typeof value === "function", value, "a function", place),
  FUNCTIONS: (value, _shape, place) =>
    Array.isArray(value)
      ? findFaults(value, { kind: "LIST", of: { kind: "FUNCTION" } }, place)
      : oneFault(typeof value === "function", value, "a function or a list of functions", place),
  TEXT: (value, _shape, place) => oneFault(typeof value === "string" && value !== "", value, "a text", place),
  NAME(value, _shape, place) {
    const isMet = typeof value === "string" && /^[a-z][A-Za-z0-9]*$/.test(value);
    return oneFault(isMet, value, "a name in camel case, such as rebuildStatistics", place);
  },
  FLAG: (value, _shape, place) => oneFault(typeof value === "boolean", value, "true or false", place),
  WHOLE_NUMBER(value, { min }, place) {
    const isMet = Number.isSafeInteger(value) && Number(value) >= min;
    return oneFault(isMet, value, `a whole number from ${min} on`, place);
  },
  WORD(value, shape, place) {
    const isKnown = shape.words.some((word) => word === value);
    return typeof value === "string" && !isKnown
      ? [unknownName(value, shape, place)]
      : oneFault(isKnown, value, "a text", place);
  },
  LIST: (value, { of }, place) =>
    Array.isArray(value)
      ? value.flatMap((item: unknown, at) => findFaults(item, of, `${place}[${at}]`))
      : [wrongType(value, "a list", place)],
  MEMBERS: faultsOfMembers,
  MAP: faultsOfMap,
  FUNCTION_OR: (value, { other }, place) =>
    typeof value === "function" ? [] : findFaults(value, other, place),
  FLAG_OR: (value, { other }, place) => (typeof value === "boolean" ? [] : findFaults(value, other, place)),
};

function oneFault(isMet: boolean, value: unknown, expected: string, place: string): readonly string[] {
  return isMet ? [] : [wrongType(value, expected, place)];
}

function faultsOfMembers(value: unknown, shape: MembersShape, place: string): readonly string[] {
  if (!isObject(value)) {
    return [wrongType(value, "an object", place)];
  }
  const { members, required = [] } = shape;
  const known = Object.keys(members);
  return [
    ...Object.keys(value)
      .filter((name) => !Object.hasOwn(members, name))
      .map((name) => unknownName(name, { words: known, what: "an option" }, join(place, name))),
    ...required.filter((name) => value[name] === undefined).map((name) => `${join(place, name)} is missing`),
    ...known
      .filter((name) => value[name] !== undefined)
      .flatMap((name) => findFaults(value[name], members[name] ?? { kind: "ANY" }, join(place, name))),
  ];
}

function faultsOfMap(
  value: unknown,
  { words, what = "known", of }: Extract<Shape, { kind: "MAP" }>,
  place: string,
): readonly string[] {
  if (!isObject(value)) {
    return [wrongType(value, "an object", place)];
  }
  return Object.keys(value).flatMap((name) => {
    if (words !== undefined && !words.includes(name)) {
      return [unknownName(name, { words, what }, join(place, name))];
    }
    return value[name] === undefined ? [] : findFaults(value[name], of(name), join(place, name));
  });
}

function unknownName(
  name: string,
  { words, what }: { readonly words: readonly string[]; readonly what: string },
  place: string,
): string {
  const nearest = nearestName(name, words);
  const subject = place.endsWith(name) ? place : `${place} (${JSON.stringify(name)})`;
  const advice = nearest === undefined ? `known: ${words.join(", ")}` : `did you mean ${nearest}?`;
  return `${subject} is not ${what}; ${advice}`;
}

function wrongType(value: unknown, expected: string, place: string): string {
  return `${place} must be ${expected}, but is ${describe(value)}`;
}

/** The value, where it is short. */
function describe(value: unknown): string {
  if (typeof value === "function") {
    return "a function";
  }
  if (typeof value === "object" && value !== null) {
    return Array.isArray(value) ? "a list" : "an object";
  }
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function join(place: string, name: string): string {
  return place === "" ? name : `${place}.${name}`;
}
