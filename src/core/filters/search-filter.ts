import { isStorableText } from "../../kernel/json.ts";
import type { WhereFilter } from "../access/access.ts";
import type { Model } from "../records/model.ts";
import type { TextSearch } from "../records/text-search.ts";
import { MAX_SEARCH_LENGTH } from "../records/text-search.ts";
import type { Parsed } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";

/** The member of a filter that is a search. No field has such a name, so callers cannot give it in `where`. */
export const SEARCH_MEMBER = "#search";

/**
 * Checks a search that a caller gave, and makes a filter of it; undefined for a blank one, which asks nothing, as an empty
 * search box does.
 * @param path its name, for problems
 */
export function parseSearch(model: Model, text: unknown, path = "search"): Parsed<WhereFilter | undefined> {
  if (text === undefined || text === null || (typeof text === "string" && text.trim() === "")) {
    return { value: undefined };
  }
  const fault = searchFault(model, text);
  if (fault !== undefined) {
    return { problems: [problem(`${path} ${fault}`, path)] };
  }
  const search: TextSearch = { text: text as string, fields: model.search?.fields ?? [] };
  return { value: { [SEARCH_MEMBER]: { ...search } } };
}

function searchFault(model: Model, text: unknown): string | undefined {
  if (model.search === undefined) {
    return `cannot be used: records of ${model.apiName} are not searched.`;
  }
  if (typeof text !== "string") {
    return "must be a text.";
  }
  if (!isStorableText(text)) {
    return "cannot hold NUL characters or halves of characters.";
  }
  const { length } = Array.from(text);
  return length > MAX_SEARCH_LENGTH
    ? `must have at most ${MAX_SEARCH_LENGTH} characters, not ${length}. Look for its most telling words.`
    : undefined;
}

/** The search in a filter: of {@link parseSearch}, by itself or together with others. */
export function searchIn(where: WhereFilter | undefined): TextSearch | undefined {
  const { [SEARCH_MEMBER]: search, AND: parts } = where ?? {};
  if (search !== undefined) {
    return search as unknown as TextSearch;
  }
  return Array.isArray(parts)
    ? (parts as readonly WhereFilter[]).map(searchIn).find((found) => found !== undefined)
    : undefined;
}
