import { checkLaunchOptions } from "../tasks/launch/check-launch-options.ts";
import type { Model } from "../records/model.ts";
import { findModel } from "../records/model.ts";
import { operationProblems } from "../records/serve-model.ts";
import type { RecordProblem, ValidationRefusal } from "../refusals/problems.ts";
import type { Viewer } from "../access/viewer.ts";
import { invalidField } from "../refusals/problems.ts";
import type { ForbiddenRefusal, LimitRefusal } from "../refusals/refusals.ts";
import type { LaunchOptions } from "../tasks/launch-options.ts";
import type { LaunchOutcome } from "../tasks/launch/launch-outcome.ts";
import { launchHash } from "../tasks/launch/launch-request.ts";
import { launchTask } from "../tasks/launch/launch-task.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import { answerRepeated } from "../tasks/launch/repeated-launch.ts";
import type { TaskClaim } from "../tasks/task-claim.ts";
import type { RetryRecords } from "../tasks/task-results.ts";
import type { Task } from "../tasks/task.ts";
import { decodeBulkChange } from "./bulk-input.ts";
import { manyToManyOf } from "./bulk-rules.ts";
import type { BulkOperation } from "./record-writer.ts";
import { checkChange } from "./check-change.ts";
import { checkRowFields } from "./check-rows.ts";
import type { BulkPorts } from "./launch-bulk.ts";
import { chunksOf, claimOfChunks } from "./launch-bulk.ts";
import type { Links } from "./linked-records.ts";
import { linksOfChange, missingLinks } from "./linked-records.ts";
import { describeExcess } from "./resolve-selection.ts";
import { refuseFirst } from "./resolve-target.ts";
import { refuseRows, refuseWrite } from "./write-rights.ts";

/** A bulk task to be retried. */
interface BulkRetry {
  readonly task: Task;
  readonly operation: BulkOperation["operation"];
  readonly viewer: Viewer;
  readonly records: RetryRecords;
  readonly options: LaunchOptions;
}

/** Launches a settled bulk task again for some of its records. */
export async function retryBulk(ports: BulkPorts, retry: BulkRetry): Promise<LaunchOutcome> {
  const { task, viewer, records, options } = retry;
  const inOptions = checkLaunchOptions(options);
  if (inOptions.length > 0) {
    return refuseFirst(inOptions);
  }
  const inputHash = launchHash(task.kind, { retryOf: task.id, records }, options);
  const repeated = await answerRepeated(ports, { viewer, options, inputHash });
  if (repeated !== undefined) {
    return repeated;
  }
  const batches = await ports.tasks.recordsToRetry(task.id, records);
  const ids = batches.flatMap((batch) => batch.ids);
  const refusal = refuseCount(ports, retry, ids.length) ?? (await refuseOperation(ports, retry, batches));
  if (refusal !== undefined) {
    return refusal;
  }
  return launchTask(ports, {
    kind: task.kind,
    model: task.model,
    viewer,
    input: task.input,
    inputHash,
    options,
    claims: [claimOfChunks(ports, task.model ?? "", viewer), ...(await claimsOfNew(ports, task.id))],
    records: ids,
    batches,
    ...chunksOf(ports, task.model ?? ""),
    total: ids.length,
    retryOf: task.id,
  });
}

/** The first task's claims on ids that its caller gave for new records which are named by another key. */
async function claimsOfNew({ tasks }: BulkPorts, taskId: string): Promise<readonly TaskClaim[]> {
  const claims = await tasks.ownClaims(taskId);
  return claims.filter(({ ids }) => Array.isArray(ids));
}

const NOTHING_LEFT: Readonly<Record<RetryRecords, string>> = {
  FAILED: "no record of it failed",
  UNPROCESSED: "it reached all of its records",
  FAILED_AND_UNPROCESSED: "it reached all of its records, and none failed",
};

function refuseCount(
  { maxRecords }: BulkPorts,
  { task, records, options }: BulkRetry,
  count: number,
): ValidationRefusal | LimitRefusal | undefined {
  if (count === 0) {
    return invalidField("id", `Nothing of task ${task.id} can be retried: ${NOTHING_LEFT[records]}.`);
  }
  const limit = Math.min(options.maxAffected ?? maxRecords, maxRecords);
  if (count <= limit) {
    return undefined;
  }
  const message = describeExcess({ matched: count, what: "to be retried", limit, maxRecords });
  return { kind: "LIMIT", message, limit, matched: count };
}

/** The rules, the schema and the viewer may have changed since the first launch. */
async function refuseOperation(
  ports: BulkPorts,
  retry: BulkRetry,
  batches: readonly RecordBatch[],
): Promise<ForbiddenRefusal | ValidationRefusal | undefined> {
  const model = findModel(ports.models, retry.task.model);
  if (model === undefined) {
    return invalidField(
      "id",
      `Task ${retry.task.id} is about ${retry.task.model}, which is no model any more.`,
    );
  }
  const { operation, task, viewer } = retry;
  const forbidden =
    operation === "UPDATE"
      ? refuseWrite(ports.access, viewer, model, operation, Object.keys(decodeBulkChange(task.input)))
      : refuseRows(
          ports.access,
          viewer,
          model,
          operation,
          batches.flatMap(({ fields }) => fields),
        );
  if (forbidden !== undefined) {
    return forbidden;
  }
  const problems = await findProblems(ports, model, retry, batches);
  return problems.length === 0 ? undefined : refuseFirst(problems);
}

async function findProblems(
  ports: BulkPorts,
  model: Model,
  { task, operation, viewer, records }: BulkRetry,
  batches: readonly RecordBatch[],
): Promise<readonly RecordProblem[]> {
  const { models } = ports;
  const impossible = operationProblems(model, operation);
  if (impossible.length > 0) {
    return impossible;
  }
  switch (operation) {
    case "DELETE":
      return [];
    case "UPDATE": {
      const change = decodeBulkChange(task.input);
      const inChange = checkChange(models, model, change);
      return inChange.length > 0
        ? inChange
        : missingLinks(ports, viewer, linksOfChange(models, model, change));
    }
    case "CREATE":
    case "UPDATE_EACH":
    case "UPSERT": {
      const fields = new Set(batches.flatMap((batch) => batch.fields));
      const inFields = checkRowFields(models, model, [...fields]);
      return inFields.length > 0
        ? inFields
        : missingLinks(ports, viewer, await storedLinks(ports, model, task.id, records));
    }
  }
}

/** The links in the task's chunks. Its launch checked them, but perhaps for another viewer. */
async function storedLinks(
  { models, writer }: BulkPorts,
  model: Model,
  taskId: string,
  records: RetryRecords,
): Promise<readonly Links[]> {
  const stored = await writer.listLinks(taskId, records);
  return manyToManyOf(models, model).flatMap((field) => {
    const ids = [
      ...new Set(stored.filter((links) => links.field === field.name).flatMap((links) => links.ids)),
    ];
    return ids.length === 0 ? [] : [{ field, target: models.get(field.type), wanted: ids, all: ids }];
  });
}
