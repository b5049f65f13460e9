import type { Json } from "../../kernel/json.ts";
import type { Access } from "../access/access.ts";
import type { ModelRegistry } from "../records/model.ts";
import { refersToItself } from "../records/model.ts";
import { operationProblems } from "../records/serve-model.ts";
import type { RecordProblem, ValidationRefusal } from "../refusals/problems.ts";
import { invalid, problem } from "../refusals/problems.ts";
import type { ForbiddenRefusal, LimitRefusal } from "../refusals/refusals.ts";
import type { NamedRecords } from "../records/named-records.ts";
import type { RecordReader } from "../records/record-reader.ts";
import type { Viewer } from "../access/viewer.ts";
import type { LockScopes } from "../locks/claim.ts";
import { checkLaunchOptions } from "../tasks/launch/check-launch-options.ts";
import type { LaunchRequest } from "../tasks/launch/launch-request.ts";
import { contentHashOfList, launchHash } from "../tasks/launch/launch-request.ts";
import type { LaunchOutcome } from "../tasks/launch/launch-outcome.ts";
import type { LaunchPorts } from "../tasks/launch/launch-task.ts";
import type { Nesting } from "../tasks/launch/nesting.ts";
import {
  awaitChild,
  currentNesting,
  launchNested,
  nestedOptions,
  refuseNested,
} from "../tasks/launch/nesting.ts";
import { answerRepeated } from "../tasks/launch/repeated-launch.ts";
import { unavailableRefusal } from "../refusals/unavailable-refusal.ts";
import type { TaskClaim } from "../tasks/task-claim.ts";
import { placesInList } from "./row-field.ts";
import { encodeBulkInput } from "./bulk-input.ts";
import { BULK_KINDS } from "./bulk-kinds.ts";
import type { BulkRequest, LaunchBulk } from "./bulk-request.ts";
import type { BulkRules } from "./bulk-rules.ts";
import type { ChunkWriter } from "./chunk-writer.ts";
import { checkChange } from "./check-change.ts";
import { checkRows } from "./check-rows.ts";
import type { RecordDefaults } from "../records/record-defaults.ts";
import type { ResolvedTarget } from "./resolve-target.ts";
import { refuseLargeFilter, refuseManyIds } from "./resolve-selection.ts";
import { linksOfTarget } from "./linked-records.ts";
import { refuseLength, resolveTarget } from "./resolve-target.ts";
import { refuseRows, refuseWrite } from "./write-rights.ts";

/** What bulk launches need besides launching. */
export interface BulkPorts extends LaunchPorts {
  readonly models: ModelRegistry;
  readonly reader: RecordReader;
  readonly access: Access;
  readonly lockScopes: LockScopes;
  readonly rules: BulkRules;
  readonly defaults: RecordDefaults;
  readonly named: NamedRecords;
  readonly writer: Pick<ChunkWriter, "listLinks">;
  /** The service's own limit: more records are refused, even where the caller allows more. */
  readonly maxRecords: number;
  /** The most records of one chunk. */
  readonly maxChunkRecords: number;
}

/** The use case behind every bulk mutation: check, resolve, then launch. */
export function createLaunchBulk(ports: BulkPorts): LaunchBulk {
  return async (request) => {
    const nesting = currentNesting();
    try {
      const refusal = refuseNested(nesting, request.options) ?? refuseInHook(nesting);
      if (refusal !== undefined) {
        return refusal;
      }
      const outcome = (await refuseInvalid(ports, request)) ?? (await launchNew(ports, nesting, request));
      return await awaitChild(nesting, request.options, outcome);
    } catch (error) {
      return unavailableRefusal(ports.logger, error, "a launch was refused");
    }
  };
}

/** It reads its records outside the transaction of the hook, and would wait for that transaction, which waits for it. */
function refuseInHook({ write }: Nesting): ValidationRefusal | undefined {
  return write === undefined
    ? undefined
    : invalid([problem("A hook cannot launch a bulk operation in its transaction. Launch it in onCommit.")]);
}

async function refuseInvalid(
  ports: BulkPorts,
  request: BulkRequest,
): Promise<ForbiddenRefusal | ValidationRefusal | LimitRefusal | undefined> {
  const { access, models } = ports;
  const { viewer, operation } = request;
  const model = models.get(request.model);
  const changed = "change" in request ? Object.keys(request.change) : [];
  const forbidden = refuseWrite(access, viewer, model, operation, changed);
  if (forbidden !== undefined) {
    return forbidden;
  }
  const impossible = operationProblems(model, operation);
  if (impossible.length > 0) {
    return invalid(impossible, impossible[0]?.message);
  }
  const inOptions = checkLaunchOptions(request.options);
  // Before the records themselves: to check a list that is far too long would take far too long.
  const refusal = inOptions.length === 0 ? refuseSize(ports, request) : undefined;
  if (refusal !== undefined) {
    return refusal;
  }
  const problems = [...inOptions, ...(await checkTarget(ports, request))];
  return problems.length === 0 ? undefined : invalid(problems, problems[0]?.message);
}

function refuseSize(
  { models, maxRecords }: BulkPorts,
  request: BulkRequest,
): ValidationRefusal | LimitRefusal | undefined {
  const { options } = request;
  const model = models.get(request.model);
  return "records" in request
    ? refuseLength(request.operation, request.records, options, maxRecords)
    : (refuseLargeFilter({ model, selection: request.selection }) ??
        refuseManyIds({ selection: request.selection, maxAffected: options.maxAffected, maxRecords }));
}

async function checkTarget({ models }: BulkPorts, request: BulkRequest): Promise<readonly RecordProblem[]> {
  const model = models.get(request.model);
  switch (request.operation) {
    case "DELETE":
      return [];
    case "UPDATE":
      return checkChange(models, model, request.change);
    case "CREATE":
    case "UPDATE_EACH":
    case "UPSERT":
      return checkRows(models, model, request);
  }
}

async function launchNew(ports: BulkPorts, nesting: Nesting, given: BulkRequest): Promise<LaunchOutcome> {
  const inputHash = await hashOf(given);
  const request = { ...given, options: nestedOptions(nesting, given.options, inputHash) };
  const repeated = asksFirst(ports, request)
    ? await answerRepeated(ports, { ...request, inputHash })
    : undefined;
  if (repeated !== undefined) {
    return repeated;
  }
  const resolved = await resolveTarget(ports, request);
  if (resolved.kind !== "RESOLVED") {
    return resolved;
  }
  const { viewer, operation } = request;
  const model = ports.models.get(request.model);
  const fields = (resolved.batches ?? []).flatMap((batch) => batch.fields);
  return (
    refuseRows(ports.access, viewer, model, operation, fields) ??
    launch(ports, nesting, request, inputHash, resolved)
  );
}

/**
 * Whether the launch reads anything, or asks the app, before it is written. If not, an earlier launch is found when this one
 * is written; that saves a look-up in every launch that is none.
 */
function asksFirst({ models, hooks }: BulkPorts, request: BulkRequest): boolean {
  return (
    (hooks?.beforeCreate ?? []).length > 0 ||
    request.options.onConflict === "SKIP" ||
    !("selection" in request && "ids" in request.selection) ||
    linksOfTarget(models, models.get(request.model), request).length > 0
  );
}

function launch(
  ports: BulkPorts,
  nesting: Nesting,
  request: BulkRequest,
  inputHash: string,
  target: ResolvedTarget,
): Promise<LaunchOutcome> {
  return launchNested(ports, nesting, {
    kind: BULK_KINDS[request.operation],
    model: request.model,
    viewer: request.viewer,
    input: encodeBulkInput(request),
    inputHash,
    options: request.options,
    ...claimsOfTarget(ports, request, target),
    records: target.ids,
    ...(target.batches === undefined
      ? {}
      : { batches: target.batches, placeOf: placesInList(target.batches) }),
    ...chunksOf(ports, request.model),
    total: target.ids.length,
  });
}

/** The claims on the task's own records, and on those that it would create under ids that the caller gave. */
function claimsOfTarget(
  ports: BulkPorts,
  { model, viewer }: BulkRequest,
  { created = new Map<string, string>() }: ResolvedTarget,
): Pick<LaunchRequest, "claims" | "recordOf"> {
  const own = claimOfChunks(ports, model, viewer);
  return created.size === 0
    ? { claims: [own] }
    : { claims: [own, { ...own, ids: [...created.keys()] }], recordOf: (id) => created.get(id) ?? id };
}

/** How large the chunks of a task on the model are. */
export function chunksOf(
  { rules, models, maxChunkRecords }: Pick<BulkPorts, "rules" | "models" | "maxChunkRecords">,
  model: string,
): Pick<LaunchRequest, "maxChunkRecords" | "isKeptTogether"> {
  return {
    maxChunkRecords: rules.chunkRecords(model) ?? maxChunkRecords,
    isKeptTogether: refersToItself(models.get(model)),
  };
}

/** The claim on the records of the task's own chunks, under the viewer's lock scope. */
export function claimOfChunks(
  { lockScopes }: Pick<BulkPorts, "lockScopes">,
  model: string,
  viewer: Viewer,
): TaskClaim {
  const scope = lockScopes.of(model, viewer);
  return { model, ids: "chunks", ...(scope === undefined ? {} : { scope }) };
}

async function hashOf(request: BulkRequest): Promise<string> {
  const input = encodeBulkInput(request);
  // A long list is not in the input whole, so it goes into the hash by itself.
  const ids =
    "selection" in request && "ids" in request.selection
      ? await contentHashOfList(request.selection.ids)
      : null;
  const records =
    "records" in request ? await contentHashOfList(request.records as readonly unknown[] as Json[]) : null;
  return launchHash(
    BULK_KINDS[request.operation],
    { model: request.model, input, ids, ...(records === null ? {} : { records }) },
    request.options,
  );
}
