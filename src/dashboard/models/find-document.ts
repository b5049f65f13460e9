import type { Reference, Shape } from "./shape.ts";

/** A record that a search found. */
export interface FoundRecord {
  readonly id: string;
  /** What it is called, where it has a name. */
  readonly label?: string | null;
  /** What the reference names it by. */
  readonly value: string | number;
}

/** A query that finds records by what they are called, and names those that are chosen. */
export interface FindDocument {
  readonly document: string;
  readonly variables: Readonly<Record<string, unknown>>;
  /** A found record as a choice. */
  optionOf(record: FoundRecord): { readonly value: string; readonly label: string };
}

/** The most that one query can name. */
const MOST_NAMED = 1000;
/** Longer keys tell people nothing. */
const LONGEST_KEY = 12;

/** Makes the query that finds records of the shape's model. */
export function findDocument(
  shape: Shape,
  { field }: Reference,
  asked: {
    /** A part of a name; empty for the first records. Left out: only the named ones are asked for. */
    readonly text?: string;
    /** Values whose records are to be named, too. */
    readonly values: readonly string[];
    readonly most: number;
  },
): FindDocument {
  const { list, hasTypedIds } = shape.model;
  const { text } = asked;
  const search = text === undefined ? undefined : searchOf(shape, text);
  const named = namedOf(shape, field, asked.values.slice(0, MOST_NAMED));
  const nodes = `nodes { id ${shape.label === undefined ? "" : `label: ${shape.label}`} value: ${field ?? "id"} }`;
  const ask = (as: string, condition: Condition | undefined): string =>
    `${as}: ${list}(first: $most${condition === undefined ? "" : `, ${condition.argument}: $${as}`}) { ${nodes} }`;
  const given = Object.entries({ found: search, named }).flatMap(([variable, condition]) =>
    condition === undefined ? [] : [{ variable, ...condition }],
  );
  const declared = [
    ...(text === undefined && named === undefined ? [] : ["$most: Int"]),
    ...given.map(({ variable, type }) => `$${variable}: ${type}`),
  ];
  return {
    document: `query Find(${declared.join(", ")}) { __typename ${text === undefined ? "" : ask("found", search)} ${
      named === undefined ? "" : ask("named", named)
    } }`,
    variables: {
      most: Math.max(asked.most, asked.values.length),
      ...Object.fromEntries(given.map(({ variable, value }) => [variable, value])),
    },
    optionOf({ id, label, value: told }) {
      const value = hasTypedIds && field === "id" ? id.slice(id.indexOf(":") + 1) : String(told);
      const name = label === null || label === undefined || label === "" ? value : label;
      return { value, label: value.length > LONGEST_KEY || value === name ? name : `${name} (${value})` };
    },
  };
}

/** An argument of a list, and its value. */
interface Condition {
  readonly argument: "search" | "where" | "ids";
  readonly type: string;
  readonly value: unknown;
}

function namedOf(
  { model, fields }: Shape,
  field: string | undefined,
  values: readonly string[],
): Condition | undefined {
  if (values.length === 0) {
    return undefined;
  }
  if (field === undefined || field === "id") {
    const isPlain = field === undefined || !model.hasTypedIds;
    const ids = isPlain ? values : values.map((value) => `${model.name}:${value}`);
    return model.listArguments.has("ids") ? { argument: "ids", type: "[ID!]", value: ids } : undefined;
  }
  const isNumber = fields.some(({ name, type }) => name === field && type === "Int");
  return {
    argument: "where",
    type: `${model.name}Where`,
    value: { [field]: { in: isNumber ? values.map(Number) : values } },
  };
}

function searchOf(shape: Shape, text: string): Condition | undefined {
  const { name, listArguments } = shape.model;
  if (text === "") {
    return undefined;
  }
  if (listArguments.has("search")) {
    return { type: "String", argument: "search", value: text };
  }
  const label = shape.filters.find((one) => one.name === shape.label);
  return label?.verbs.some((verb) => verb.name === "contains") === true
    ? {
        type: `${name}Where`,
        argument: "where",
        value: { [label.name]: { contains: text, mode: "INSENSITIVE" } },
      }
    : undefined;
}
