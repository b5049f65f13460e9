import type { Access } from "../access/access.ts";
import type { ModelRegistry } from "../records/model.ts";
import type { RecordDefaults } from "../records/record-defaults.ts";
import type { RecordReader } from "../records/record-reader.ts";
import type { LimitRefusal } from "../refusals/refusals.ts";
import type { RecordProblem, ValidationRefusal } from "../refusals/problems.ts";
import { invalid, problem } from "../refusals/problems.ts";
import type { LaunchOptions } from "../tasks/launch-options.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { BulkRequest, RowsTarget } from "./bulk-request.ts";
import { listName } from "./bulk-request.ts";
import { encodeRows } from "./encode-rows.ts";
import { linksOfTarget, missingLinks } from "./linked-records.ts";
import { describeExcess, resolveSelection } from "./resolve-selection.ts";

/** Links that lead nowhere named in one refusal. */
const MAX_PROBLEMS = 10;

/** What resolving needs. */
export interface TargetPorts {
  readonly models: ModelRegistry;
  readonly reader: RecordReader;
  readonly access: Access;
  readonly defaults: RecordDefaults;
  readonly maxRecords: number;
}

/** The records that an operation is aimed at. */
export interface ResolvedTarget {
  readonly kind: "RESOLVED";
  readonly ids: readonly string[];
  /** Where each record has values of its own. */
  readonly batches?: readonly RecordBatch[];
}

/** Finds out which records are meant, and that those to be linked with are there for the viewer. */
export async function resolveTarget(
  ports: TargetPorts,
  request: BulkRequest,
): Promise<ResolvedTarget | ValidationRefusal | LimitRefusal> {
  const model = ports.models.get(request.model);
  const links = linksOfTarget(ports.models, model, request);
  const missing = await missingLinks(ports, request.viewer, links);
  if (missing.length > 0) {
    return refuseFirst(missing);
  }
  if ("selection" in request) {
    const resolved = await resolveSelection(ports, {
      model,
      selection: request.selection,
      viewer: request.viewer,
      maxAffected: request.options.maxAffected,
      maxRecords: ports.maxRecords,
    });
    return resolved.kind === "IDS" ? { kind: "RESOLVED", ids: resolved.ids } : resolved;
  }
  const batches = await encodeRows(ports, model, request);
  return "problems" in batches
    ? refuseFirst(batches.problems)
    : { kind: "RESOLVED", ids: batches.value.flatMap(({ ids }) => ids), batches: batches.value };
}

/** Names few problems: the first tells what is wrong with the list. */
export function refuseFirst(problems: readonly RecordProblem[]): ValidationRefusal {
  return invalid(problems.slice(0, MAX_PROBLEMS), problems[0]?.message);
}

/**
 * Why a list of records may not be launched because of its length; looks at nothing but that.
 * @param records any list: not yet turned into what a launch takes, if that is to be spared
 */
export function refuseLength(
  operation: RowsTarget["operation"],
  { length }: readonly unknown[],
  options: LaunchOptions,
  maxRecords: number,
): ValidationRefusal | LimitRefusal | undefined {
  if (length === 0) {
    const message = "The list holds no records. Give at least one.";
    return invalid([problem(message, listName(operation))]);
  }
  const limit = Math.min(options.maxAffected ?? maxRecords, maxRecords);
  if (length <= limit) {
    return undefined;
  }
  const message = describeExcess({ matched: length, what: "given", limit, maxRecords });
  return { kind: "LIMIT", message, limit, matched: length };
}
