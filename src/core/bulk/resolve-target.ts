import type { Access } from "../access/access.ts";
import type { ModelRegistry } from "../records/model.ts";
import type { NamedRecords } from "../records/named-records.ts";
import type { RecordDefaults } from "../records/record-defaults.ts";
import type { RecordReader } from "../records/record-reader.ts";
import type { ForbiddenRefusal, LimitRefusal } from "../refusals/refusals.ts";
import type { RecordProblem, ValidationRefusal } from "../refusals/problems.ts";
import { invalid, invalidField } from "../refusals/problems.ts";
import type { LaunchOptions } from "../tasks/launch-options.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { BulkRequest, RowsTarget } from "./bulk-request.ts";
import { listName } from "./bulk-request.ts";
import { encodeRows } from "./encode-rows.ts";
import { findRows } from "./find-rows.ts";
import { linksOfTarget, missingLinks } from "./linked-records.ts";
import { describeExcess, resolveSelection } from "./resolve-selection.ts";

/** The most problems in one refusal. */
const MAX_PROBLEMS = 10;

/** What resolving needs. */
export interface TargetPorts {
  readonly models: ModelRegistry;
  readonly reader: RecordReader;
  readonly access: Access;
  readonly defaults: RecordDefaults;
  readonly named: NamedRecords;
  readonly maxRecords: number;
}

/** The records that an operation is aimed at. */
export interface ResolvedTarget {
  readonly kind: "RESOLVED";
  /** Of a record that is named by a key and not there, its name as one text. */
  readonly ids: readonly string[];
  /** See EncodedRows.created. */
  readonly created?: ReadonlyMap<string, string>;
  /** Left out unless each record has values of its own. */
  readonly batches?: readonly RecordBatch[];
}

/** Resolves the records of a request, and checks that the viewer may see the records to link. */
export async function resolveTarget(
  ports: TargetPorts,
  request: BulkRequest,
): Promise<ResolvedTarget | ForbiddenRefusal | ValidationRefusal | LimitRefusal> {
  const model = ports.models.get(request.model);
  const links = linksOfTarget(ports.models, model, request);
  const missing = await missingLinks(ports, request.viewer, links);
  if (missing.length > 0) {
    return refuseFirst(missing);
  }
  if ("selection" in request) {
    const resolved = await resolveSelection(ports, {
      operation: request.operation,
      model,
      selection: request.selection,
      viewer: request.viewer,
      maxAffected: request.options.maxAffected,
      maxRecords: ports.maxRecords,
      signal: request.signal,
    });
    return resolved.kind === "IDS" ? { kind: "RESOLVED", ids: resolved.ids } : resolved;
  }
  const records = await findRows(ports, request.viewer, model, request);
  const encoded = "problems" in records ? records : await encodeRows(ports, model, request, records.value);
  if ("problems" in encoded) {
    return refuseFirst(encoded.problems);
  }
  const { batches, created } = encoded.value;
  return { kind: "RESOLVED", ids: batches.flatMap(({ ids }) => ids), batches, created };
}

/** The refusal of a list: it has the message of the first problem, and at most ten problems. */
export function refuseFirst(problems: readonly RecordProblem[]): ValidationRefusal {
  return invalid(problems.slice(0, MAX_PROBLEMS), problems[0]?.message);
}

/**
 * The refusal of a list of records that is empty or too long. Checks nothing else.
 * @param records the list in any form, so that a list that is too long need not be converted first
 */
export function refuseLength(
  operation: RowsTarget["operation"],
  { length }: readonly unknown[],
  options: LaunchOptions,
  maxRecords: number,
): ValidationRefusal | LimitRefusal | undefined {
  if (length === 0) {
    return invalidField(listName(operation), "The list holds no records. Give at least one.");
  }
  const limit = Math.min(options.maxAffected ?? maxRecords, maxRecords);
  if (length <= limit) {
    return undefined;
  }
  const message = describeExcess({ matched: length, what: "given", limit, maxRecords });
  return { kind: "LIMIT", message, limit, matched: length };
}
