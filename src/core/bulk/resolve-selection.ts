import { filterSizeProblem } from "../filters/filter-size.ts";
import type { Model } from "../records/model.ts";
import type { RecordProblem, ValidationRefusal } from "../refusals/problems.ts";
import { parseRecordId } from "../records/record-key.ts";
import { invalid, invalidField, problem } from "../refusals/problems.ts";
import type { ForbiddenRefusal, LimitRefusal } from "../refusals/refusals.ts";
import type { RecordReader } from "../records/record-reader.ts";
import type { ScopePorts } from "../filters/scope-filter.ts";
import type { Selection } from "./bulk-request.ts";
import type { Viewer } from "../access/viewer.ts";
import { andFilters } from "../access/access.ts";
import { scopeFilter } from "../filters/scope-filter.ts";
import { targetAction } from "./write-rights.ts";
import { parseSearch } from "../filters/search-filter.ts";
import { asksNothing } from "../filters/asks-nothing.ts";
import type { WhereFilter } from "../access/access.ts";
import { AppError, isAppError } from "../../kernel/app-error.ts";
import { counted } from "../../kernel/counted.ts";
import { visitInTurns } from "../../kernel/turns.ts";

/** The most malformed ids named in one refusal; more are counted. */
const MAX_NAMED_IDS = 10;

/** A selection to resolve, with its limits. */
export interface SelectionRequest {
  readonly model: Model;
  readonly selection: Selection;
  readonly operation: "UPDATE" | "DELETE";
  readonly viewer: Viewer;
  readonly maxAffected: number | undefined;
  /** The service's own limit. */
  readonly maxRecords: number;
  /** See BulkRequest. */
  readonly signal?: AbortSignal | undefined;
}

/** What resolving needs. */
export interface SelectionPorts extends ScopePorts {
  readonly reader: RecordReader;
}

/** The ids, canonical and without repeats, or a refusal. */
export type ResolvedSelection =
  | { readonly kind: "IDS"; readonly ids: readonly string[] }
  | ForbiddenRefusal
  | ValidationRefusal
  | LimitRefusal;

/**
 * Turns a selection into ids. A filter is evaluated now, within the viewer's scope: what matches later is not
 * part of the task. Ids are taken as they are; those that are missing or out of scope are skipped by the worker.
 */
export async function resolveSelection(
  ports: SelectionPorts,
  request: SelectionRequest,
): Promise<ResolvedSelection> {
  return "ids" in request.selection
    ? resolveIds(request, request.selection.ids)
    : resolveFilter(ports, request, request.selection);
}

/** The refusal of a list of ids that is too long, repeats included. Checks nothing else. */
export function refuseManyIds(
  request: Pick<SelectionRequest, "selection" | keyof Limits>,
): LimitRefusal | undefined {
  return "ids" in request.selection && request.selection.ids.length > request.maxRecords
    ? tooMany(request, request.selection.ids.length)
    : undefined;
}

/** The refusal of a filter that is too large, and of a search that is none. Checks nothing else. */
export function refuseLargeFilter({
  model,
  selection,
}: Pick<SelectionRequest, "model" | "selection">): ValidationRefusal | undefined {
  if ("ids" in selection) {
    return undefined;
  }
  const excess = filterSizeProblem(selection.where, "selection.where");
  const searched = parseSearch(model, selection.search, "selection.search.text");
  const [fault = excess] = "problems" in searched ? searched.problems : [];
  return fault && invalidField(fault.field ?? "selection", fault.message);
}

async function resolveIds(request: SelectionRequest, given: readonly string[]): Promise<ResolvedSelection> {
  const limit = smallestLimit(request);
  const ids = new Set<string>();
  const problems: RecordProblem[] = [];
  let malformed = 0;
  await visitInTurns(given, (id) => {
    const parsed = parseRecordId(request.model, id);
    if ("value" in parsed) {
      ids.add(parsed.value);
      return;
    }
    malformed += 1;
    if (malformed <= MAX_NAMED_IDS) {
      problems.push(...parsed.problems.map(({ message }) => problem(message, "selection.ids")));
    }
  });
  const [first] = problems;
  if (first !== undefined) {
    const message = `${malformed} of ${given.length} ids are malformed; nothing was changed. The first: ${first.message}`;
    return invalid(problems, message);
  }
  if (ids.size === 0) {
    return invalidField("selection", "The selection holds no ids. Give at least one.");
  }
  return ids.size > limit ? tooMany(request, ids.size) : { kind: "IDS", ids: [...ids] };
}

async function resolveFilter(
  ports: SelectionPorts,
  request: SelectionRequest,
  selection: Extract<Selection, { where: unknown }>,
): Promise<ResolvedSelection> {
  const searched = parseSearch(request.model, selection.search);
  const where = andFilters(selection.where, "value" in searched ? searched.value : undefined) ?? {};
  if (request.maxAffected === undefined && asksNothing(ports.models, request.model, where)) {
    return invalidField(
      "options.maxAffected",
      `The filter asks nothing of a record, so it means every ${request.model.apiName}. Say so by setting options.maxAffected to the number you expect at most.`,
    );
  }
  const limit = smallestLimit(request);
  const filter = filterOf(ports, request, where);
  if (filter instanceof AppError) {
    return { kind: "FORBIDDEN", message: filter.message };
  }
  try {
    const ids = await ports.reader.findIds(request.model.name, filter, limit + 1, request.signal);
    return ids.length > limit ? tooMany(request, null) : { kind: "IDS", ids };
  } catch (error) {
    if (isAppError(error, "LIMIT_EXCEEDED")) {
      return { kind: "LIMIT", message: `${error.message} Nothing was changed.`, limit, matched: null };
    }
    throw error;
  }
}

/** @returns the refusal of a filter that asks what the viewer may not read */
function filterOf(
  ports: SelectionPorts,
  { viewer, model, operation }: SelectionRequest,
  where: WhereFilter,
): WhereFilter | undefined | AppError {
  try {
    return scopeFilter(ports, viewer, model, where, targetAction(operation));
  } catch (error) {
    if (isAppError(error, "FORBIDDEN")) {
      return error;
    }
    throw error;
  }
}

type Limits = Pick<SelectionRequest, "maxAffected" | "maxRecords">;

function smallestLimit(request: Limits): number {
  return Math.min(request.maxAffected ?? request.maxRecords, request.maxRecords);
}

function tooMany(request: Limits, matched: number | null): LimitRefusal {
  const limit = smallestLimit(request);
  const message = describeExcess({ matched, what: "selected", limit, maxRecords: request.maxRecords });
  return { kind: "LIMIT", message, limit, matched };
}

/** More records than an operation may take. */
interface Excess {
  /** How many there are; null for more than the limit. */
  readonly matched: number | null;
  /** What the records are, for the message. */
  readonly what: "given" | "selected" | "to be retried";
  readonly limit: number;
  /** The service's own limit. Any other limit is the caller's. */
  readonly maxRecords: number;
}

/** The message of a refusal of so many. */
export function describeExcess({ matched, what, limit, maxRecords }: Excess): string {
  const found = matched === null ? `More than ${counted(limit, "record")}` : counted(matched, "record");
  const are = (matched ?? limit) === 1 ? "is" : "are";
  const allowed =
    limit === maxRecords
      ? `this service allows ${limit} in one operation`
      : `options.maxAffected allows ${limit}`;
  return `${found} ${are} ${what}; ${allowed}. Nothing was changed.`;
}
