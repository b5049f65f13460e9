import { isAppError } from "../../kernel/app-error.ts";
import type { Access } from "../access/access.ts";
import type { LinkChange } from "../records/change.ts";
import type { Model, ModelRegistry } from "../records/model.ts";
import type { Links } from "../records/record-links.ts";
import { missingLinks } from "../records/record-links.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import type { RecordReader } from "../records/record-reader.ts";
import type { Viewer } from "../access/viewer.ts";
import type { LimitRefusal } from "../refusals/refusals.ts";
import type { ValidationRefusal } from "../refusals/problems.ts";
import type { LaunchOptions } from "../tasks/launch-options.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { BulkRequest, BulkTarget } from "./bulk-request.ts";
import { manyToManyOf } from "./bulk-rules.ts";
import { canonicalLinks } from "./check-links.ts";
import type { RowsTarget } from "./check-rows.ts";
import { describeExcess } from "./describe-excess.ts";
import { encodeRows } from "./encode-rows.ts";
import { listName } from "./list-name.ts";
import type { RecordDefaults } from "./record-defaults.ts";
import { resolveSelection } from "./resolve-selection.ts";

/** Links that lead nowhere named in one refusal. */
const MAX_PROBLEMS = 10;

/** What resolving works with. */
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
  const problems = await missingTargets(ports, request.viewer, model, request);
  const [first] = problems;
  if (first !== undefined) {
    return { kind: "INVALID", message: first.message, problems: problems.slice(0, MAX_PROBLEMS) };
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
  try {
    const batches = await encodeRows(ports, model, request);
    return { kind: "RESOLVED", ids: batches.flatMap(({ ids }) => ids), batches };
  } catch (error) {
    if (!isAppError(error, "VALIDATION_FAILED")) {
      throw error;
    }
    const field = String(error.details["field"]);
    const problem = { code: "VALIDATION_FAILED", message: error.message, field } as const;
    return { kind: "INVALID", message: error.message, problems: [problem] };
  }
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
    return {
      kind: "INVALID",
      message,
      problems: [{ code: "VALIDATION_FAILED", message, field: listName(operation) }],
    };
  }
  const limit = Math.min(options.maxAffected ?? maxRecords, maxRecords);
  if (length <= limit) {
    return undefined;
  }
  const message = describeExcess({ matched: length, what: "given", limit, maxRecords });
  return { kind: "LIMIT", message, limit, matched: length };
}

/** Records that the operation would link with and that are not there for the viewer. */
export function missingTargets(
  ports: Pick<TargetPorts, "models" | "reader" | "access">,
  viewer: Viewer,
  model: Model,
  target: BulkTarget,
): Promise<readonly RecordProblem[]> {
  return missingLinks(ports, viewer, linksOfTarget(ports.models, model, target));
}

/** The links that the operation makes, all records together. */
function linksOfTarget(models: ModelRegistry, model: Model, request: BulkTarget): readonly Links[] {
  return manyToManyOf(models, model).flatMap((field) => {
    const target = models.get(field.type);
    const places = new Map<string, string>();
    const removed = new Set<string>();
    for (const { path, change } of linkChangesOf(request, field.name)) {
      const { add = [], set = [], remove = [] } = canonicalLinks(target, change);
      for (const id of [...add, ...set]) {
        places.set(id, places.get(id) ?? path);
      }
      remove.forEach((id) => removed.add(id));
    }
    const wanted = [...places.keys()];
    const all = [...new Set([...wanted, ...removed])];
    return all.length === 0 ? [] : [{ field, target, wanted, all, places }];
  });
}

interface PlacedLinks {
  /** As callers know it. */
  readonly path: string;
  readonly change: LinkChange;
}

function linkChangesOf(request: BulkTarget, name: string): readonly PlacedLinks[] {
  const named = (data: Readonly<Record<string, unknown>>, path: string): readonly PlacedLinks[] =>
    data[name] === undefined ? [] : [{ path: `${path}${name}`, change: data[name] as LinkChange }];
  const list = "records" in request ? listName(request.operation) : "";
  switch (request.operation) {
    case "DELETE":
      return [];
    case "UPDATE":
      return named(request.change, "");
    case "CREATE":
      return request.records.flatMap((data, at) => named(data, `${list}.${at}.`));
    case "UPDATE_EACH":
      return request.records.flatMap(({ data }, at) => named(data, `${list}.${at}.data.`));
    case "UPSERT":
      return request.records.flatMap(({ create, update }, at) => [
        ...named(create, `${list}.${at}.create.`),
        ...named(update, `${list}.${at}.update.`),
      ]);
  }
}
