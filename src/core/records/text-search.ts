import { nearestName } from "../../kernel/nearest-name.ts";
import type { WhereFilter } from "../access/access.ts";
import { isReadable } from "./field-switches.ts";
import type { Model, ModelSearch, ScalarField } from "./model.ts";
import { computedField } from "./model.ts";

/** A search for texts in records of one model. */
export interface TextSearch {
  /** What the caller looks for; never blank. */
  readonly text: string;
  /** The names of the fields that are searched, the most important first. */
  readonly fields: readonly string[];
  /** The records that the caller may see; undefined for all. Words that come near count where none of these has the words. */
  readonly scope?: WhereFilter;
}

/** The most characters of a search. */
export const MAX_SEARCH_LENGTH = 200;

/** Words that stand side by side, or one word. */
export interface SearchTerm {
  readonly text: string;
  /** In quotes: these words side by side, as they are. */
  readonly isPhrase: boolean;
  /** With a minus in front: records that have it are left out. */
  readonly isNegated: boolean;
}

/** What a search asks for. */
export interface SearchTerms {
  /** A record matches if it has all terms of one of them. */
  readonly alternatives: readonly (readonly SearchTerm[])[];
  /** Whether there are only words: no quotes, no minus, no `or`. */
  readonly isPlain: boolean;
}

/** Reads `paris "new york" -texas or berlin` as PostgreSQL's websearch_to_tsquery does. */
export function readSearchTerms(text: string): SearchTerms {
  const alternatives: SearchTerm[][] = [[]];
  let isPlain = true;
  for (const [, minus = "", phrase, word = ""] of text
    .replaceAll(/[“”„«»]/g, '"')
    .matchAll(/(-?)(?:"([^"]*)"?|([^\s"]+))/g)) {
    const isPhrase = phrase !== undefined;
    if (!isPhrase && minus === "" && word.toLowerCase() === "or") {
      isPlain = false;
      alternatives.push([]);
      continue;
    }
    const isNegated = minus !== "";
    isPlain &&= !isPhrase && !isNegated;
    alternatives.at(-1)?.push({ text: phrase ?? word, isPhrase, isNegated });
  }
  const filled = alternatives.filter((terms) => terms.length > 0);
  return { alternatives: filled, isPlain };
}

/**
 * How well a record matches a search, as if it were a column: thousands say how, the rest how similar the first field is.
 * No column of a table has its name.
 */
export const RELEVANCE: ScalarField = computedField("#relevance", "relevance", "Int");

/** Native types that hold texts for people to read. */
const TEXT_TYPES = /^(?:text|character|citext|name)/;

/** The options of a model that say how it is searched. */
interface SearchOptions {
  readonly search?: readonly string[] | undefined;
  readonly searchConfiguration?: string | undefined;
}

/** How a model is searched, as its options say, and what is wrong with them, as sentences. */
export function readModelSearch(
  model: Model,
  { search, searchConfiguration }: SearchOptions = {},
): { readonly search?: ModelSearch; readonly problems: readonly string[] } {
  const place = `models.${model.name}`;
  if (search === undefined) {
    return {
      problems:
        searchConfiguration === undefined
          ? []
          : [`${place}.searchConfiguration says how texts are searched, but ${place}.search names no field`],
    };
  }
  const problems = [
    ...(search.length === 0 ? [`${place}.search must name at least one field; leave it out for none`] : []),
    ...search.flatMap((name, at) => {
      const fault = search.indexOf(name) < at ? "is named twice" : fieldFault(model, name);
      return fault === undefined ? [] : [`${place}.search: ${JSON.stringify(name)} ${fault}`];
    }),
    ...(/^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?$/.test(searchConfiguration ?? "simple")
      ? []
      : [
          `${place}.searchConfiguration must be the name of a text search configuration, such as french, but is ${JSON.stringify(searchConfiguration)}`,
        ]),
  ];
  return problems.length > 0
    ? { problems }
    : { search: { fields: search, configuration: searchConfiguration ?? "simple" }, problems };
}

function fieldFault(model: Model, name: string): string | undefined {
  const field = model.fields.find((candidate) => candidate.name === name);
  const known = model.fields.filter((each) => unfitness(each) === undefined).map((each) => each.name);
  if (field === undefined) {
    const nearest = nearestName(name, known);
    const advice = nearest === undefined ? `known: ${known.join(", ")}` : `did you mean ${nearest}?`;
    return `is not a text field of the model; ${advice}`;
  }
  const fault = unfitness(field);
  return fault === undefined ? undefined : `cannot be searched: ${fault}; known: ${known.join(", ")}`;
}

function unfitness(field: Model["fields"][number]): string | undefined {
  if (!isReadable(field)) {
    return "it is hidden";
  }
  if (field.kind === "relation") {
    return "it is a relation";
  }
  if (field.isList) {
    return "it is a list";
  }
  if (field.kind === "enum" || field.type !== "String") {
    return `it is of the type ${field.type}, not a text`;
  }
  const { nativeType = "text" } = field;
  return TEXT_TYPES.test(nativeType) ? undefined : `it is of the type ${nativeType}, not a text`;
}
