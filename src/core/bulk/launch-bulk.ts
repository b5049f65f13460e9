import { isAppError } from "../../kernel/app-error.ts";
import { errorFields } from "../../kernel/error-fields.ts";
import type { Access } from "../records/access.ts";
import type { ModelRegistry } from "../records/model.ts";
import type { RecordReader } from "../records/record-reader.ts";
import type { LockScopes } from "../locks/lock-scopes.ts";
import { checkLaunchOptions } from "../tasks/check-launch-options.ts";
import { contentHash } from "../tasks/content-hash.ts";
import type { ValidationRefusal } from "../tasks/launch-outcome.ts";
import type { LaunchOutcome } from "../tasks/launch-outcome.ts";
import type { LaunchPorts } from "../tasks/launch-task.ts";
import { launchHash } from "../tasks/launch-request.ts";
import { launchTask, repeatedLaunch } from "../tasks/launch-task.ts";
import { encodeBulkInput } from "./bulk-input.ts";
import { BULK_KINDS } from "./bulk-kinds.ts";
import type { BulkRequest, LaunchBulk } from "./bulk-request.ts";
import type { BulkRules } from "./bulk-rules.ts";
import type { BulkOperation } from "./bulk-writer.ts";
import { checkChange } from "./check-change.ts";
import { resolveSelection } from "./resolve-selection.ts";

/** What bulk launches need besides launching. */
export interface BulkPorts extends LaunchPorts {
  readonly models: ModelRegistry;
  readonly reader: RecordReader;
  readonly access: Access;
  readonly lockScopes: LockScopes;
  readonly rules: BulkRules;
  /** More records are refused, whatever the caller allows. */
  readonly maxRecords: number;
  /** The most records of one chunk. */
  readonly maxChunkRecords: number;
}

/** The use case behind every bulk mutation: check, resolve, then launch. */
export function createLaunchBulk(ports: BulkPorts): LaunchBulk {
  return async (request) => {
    try {
      return (
        refuseInvalid(ports, request) ??
        (await answerRepeated(ports, request)) ??
        (await resolveAndLaunch(ports, request))
      );
    } catch (error) {
      if (isAppError(error, "UNAVAILABLE")) {
        ports.logger.debug(errorFields(error), "a launch was refused: a store is out of reach");
        return { outcome: "UNAVAILABLE", message: error.message };
      }
      throw error;
    }
  };
}

function refuseInvalid(ports: BulkPorts, request: BulkRequest): ValidationRefusal | undefined {
  const model = ports.models.get(request.model);
  const problems = [
    ...checkLaunchOptions(request.options),
    ...(request.operation === "UPDATE"
      ? checkChange(model, ports.models.enums(), ports.rules, request.change)
      : []),
  ];
  const [first] = problems;
  return first === undefined ? undefined : { outcome: "INVALID", message: first.message, problems };
}

/** Asked before the selection is resolved: the first run may have changed what a filter matches. */
async function answerRepeated(ports: BulkPorts, request: BulkRequest): Promise<LaunchOutcome | undefined> {
  const key = request.options.idempotencyKey;
  const existing =
    key === undefined ? undefined : await ports.tasks.findByIdempotencyKey(request.viewer, key);
  return existing === undefined ? undefined : repeatedLaunch(ports, existing, hashOf(request));
}

async function resolveAndLaunch(ports: BulkPorts, request: BulkRequest): Promise<LaunchOutcome> {
  const { maxAffected } = request.options;
  const resolved = await resolveSelection(ports, {
    model: ports.models.get(request.model),
    selection: request.selection,
    viewer: request.viewer,
    maxAffected,
    maxRecords: ports.maxRecords,
  });
  if (resolved.outcome !== "IDS") {
    return resolved;
  }
  const scope = ports.lockScopes.of(request.model, request.viewer);
  return launchTask(ports, {
    kind: BULK_KINDS[request.operation],
    model: request.model,
    viewer: request.viewer,
    input: encodeBulkInput(request.selection, operationOf(request)),
    inputHash: hashOf(request),
    options: request.options,
    claims: [{ model: request.model, ids: "chunks", ...(scope === undefined ? {} : { scope }) }],
    records: resolved.ids,
    maxChunkRecords: ports.maxChunkRecords,
    total: resolved.ids.length,
  });
}

function operationOf(request: BulkRequest): BulkOperation {
  return request.operation === "UPDATE"
    ? { operation: "UPDATE", change: request.change }
    : { operation: "DELETE" };
}

function hashOf(request: BulkRequest): string {
  const input = encodeBulkInput(request.selection, operationOf(request));
  // A long list of ids is not in the input whole, so it goes into the hash by itself.
  const ids = "ids" in request.selection ? contentHash(request.selection.ids) : null;
  return launchHash(BULK_KINDS[request.operation], { model: request.model, input, ids }, request.options);
}
