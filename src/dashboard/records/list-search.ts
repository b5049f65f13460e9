import { useNavigate, useSearch } from "@tanstack/react-router";
import type { Condition } from "../models/condition.ts";
import { isCondition, whereOf } from "../models/condition.ts";
import type { ListVariables } from "../models/list-document.ts";
import { windowVariables } from "../models/list-document.ts";
import type { Target } from "./launch.ts";

/** What the address keeps of a list, apart from the page where one is: what a saved view keeps, too. */
export interface ListView {
  readonly q?: string | undefined;
  readonly filter?: readonly Condition[] | undefined;
  /** Whether one of the conditions is enough. */
  readonly any?: boolean | undefined;
  readonly sort?: string | undefined;
  readonly down?: boolean | undefined;
  readonly columns?: readonly string[] | undefined;
  readonly totals?: boolean | undefined;
}

/** What the address keeps of a list. */
export interface RecordListSearch extends ListView {
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  /** A number of which a change is to be tried at once. */
  readonly try?: string | undefined;
}

const PAGE_SIZE = 50;

/** The parts of a view that can be read; anybody may have written an address, or a saved view. */
export function readListView(given: Readonly<Record<string, unknown>>): ListView {
  const text = (name: string): string | undefined => textOf(given[name]);
  const { filter, columns } = given;
  const conditions = Array.isArray(filter) ? filter.filter(isCondition) : [];
  return known({
    q: text("q"),
    filter: conditions.length === 0 ? undefined : conditions,
    any: given["any"] === true ? true : undefined,
    sort: text("sort"),
    down: given["down"] === true ? true : undefined,
    columns: Array.isArray(columns) ? columns.filter((name) => typeof name === "string") : undefined,
    totals: given["totals"] === true ? true : undefined,
  });
}

/** What an address says of a list; see {@link readListView}. */
export function readListSearch(given: Readonly<Record<string, unknown>>): RecordListSearch {
  const { after, before, try: tried } = given;
  const place = { after: textOf(after), before: textOf(before), try: textOf(tried) };
  return { ...readListView(given), ...known(place) };
}

/** In an address, a text of digits looks like a number. */
function textOf(value: unknown): string | undefined {
  return typeof value === "number" ? String(value) : typeof value === "string" ? value : undefined;
}

function known<Parts extends object>(parts: Parts): Parts {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as Parts;
}

/** What the address says of the list, as the API takes it. */
export interface ListState {
  readonly search: RecordListSearch;
  readonly variables: ListVariables;
  /** The filter and the search, as a bulk operation takes them. */
  readonly selection: Target["selection"];
  readonly isNarrowed: boolean;
  /** Changes a part, and goes to the first page. */
  change(part: RecordListSearch): void;
}

export function useListState(model: string): ListState {
  const search = useSearch({ from: "/records/$model" });
  const navigate = useNavigate();
  const { q, sort, down, filter = [], any = false } = search;
  const where = whereOf(filter, any);
  const filtered = where === undefined ? {} : { where };
  return {
    search,
    variables: {
      ...windowVariables(windowOf(search), PAGE_SIZE),
      ...filtered,
      ...(q === undefined ? {} : { search: q }),
      ...(sort === undefined ? {} : { orderBy: [{ [sort]: down === true ? "DESC" : "ASC" }] }),
    },
    selection: q === undefined ? { where: where ?? {} } : { search: { text: q, ...filtered } },
    isNarrowed: where !== undefined || q !== undefined,
    change: (part) =>
      void navigate({
        to: "/records/$model",
        params: { model },
        search: { ...search, after: undefined, before: undefined, ...part },
      }),
  };
}

function windowOf({ after, before }: RecordListSearch): { after?: string; before?: string } {
  return { ...(after === undefined ? {} : { after }), ...(before === undefined ? {} : { before }) };
}
