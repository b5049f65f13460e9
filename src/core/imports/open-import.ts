import { BULK_KINDS } from "../bulk/bulk-kinds.ts";
import { chunksOf } from "../bulk/launch-bulk.ts";
import { refuseWrite } from "../bulk/write-rights.ts";
import { resolveNotify, TELL_NOBODY } from "../notifications/resolve-notify.ts";
import type { Model } from "../records/model.ts";
import { operationProblems } from "../records/serve-model.ts";
import type { ValidationRefusal } from "../refusals/problems.ts";
import { invalid, problem } from "../refusals/problems.ts";
import type { ForbiddenRefusal } from "../refusals/refusals.ts";
import { unavailableRefusal } from "../refusals/unavailable-refusal.ts";
import { checkLaunchOptions } from "../tasks/launch/check-launch-options.ts";
import type { LaunchOutcome } from "../tasks/launch/launch-outcome.ts";
import type { LaunchRequest } from "../tasks/launch/launch-request.ts";
import { launchHash } from "../tasks/launch/launch-request.ts";
import { callCreateHook, refuseByHook } from "../tasks/launch/launch-task.ts";
import { createLaunchTransaction } from "../tasks/launch/launch-transaction.ts";
import { answerRepeated, answerWith } from "../tasks/launch/repeated-launch.ts";
import type { CreateResult } from "../tasks/new-tasks.ts";
import { readTask } from "../tasks/task-reads.ts";
import { runOrRollBack } from "../transactions/run-or-roll-back.ts";
import type { JsonObject } from "../../kernel/json.ts";
import { mappingProblem, readKey } from "./import-columns.ts";
import type { ImportForm, TextRule } from "./import-form.ts";
import { CSV_CHARACTER, OPERATION_OF, TIME_OFFSET } from "./import-form.ts";
import type { ImportPorts, ImportRequest } from "./import-ports.ts";

/** Makes a task that waits for its file. Its CREATE event is its first, as for every task. */
export async function openImport(ports: ImportPorts, request: ImportRequest): Promise<LaunchOutcome> {
  try {
    const launch = launchOf(ports, request);
    const refusal = refuseImport(ports, request) ?? (await refuseByHook(ports, launch));
    return refusal ?? (await openNew(ports, request, launch));
  } catch (error) {
    return unavailableRefusal(ports.logger, error, "an import was refused");
  }
}

function refuseImport(
  { models, access }: ImportPorts,
  { viewer, form, options }: ImportRequest,
): ForbiddenRefusal | ValidationRefusal | undefined {
  const model = models.get(form.model);
  const operation = OPERATION_OF[form.operation];
  const forbidden = refuseWrite(access, viewer, model, operation, []);
  if (forbidden !== undefined) {
    return forbidden;
  }
  const problems = [
    ...operationProblems(model, operation),
    ...checkLaunchOptions(options),
    ...checkForm(model, form),
  ];
  return problems.length === 0 ? undefined : invalid(problems, problems[0]?.message);
}

function checkForm(model: Model, form: ImportForm): ValidationRefusal["problems"] {
  const { key, operation, mapping } = form;
  const fault = mappingProblem(mapping);
  const faults = [...(fault === undefined ? [] : [fault]), ...dialectProblems(form)];
  if (faults.length > 0) {
    return faults;
  }
  if (operation === "CREATE" && key !== undefined) {
    const message = "key: new records are named by nothing; leave it out, or use the operation upsert.";
    return [problem(message, "key")];
  }
  const unique = readKey(model, key);
  return "problems" in unique ? unique.problems : [];
}

/** A quote of no length would be found everywhere, without an end. */
function dialectProblems({ csv = {}, timeOffset }: ImportForm): ValidationRefusal["problems"] {
  const { separator, quote } = csv;
  const texts: readonly (readonly [name: string, text: string | undefined, rule: TextRule])[] = [
    ["separator", separator, CSV_CHARACTER],
    ["quote", quote, CSV_CHARACTER],
    ["timeOffset", timeOffset, TIME_OFFSET],
  ];
  const problems = texts.flatMap(([name, text, { expected, isFit }]) =>
    text === undefined || isFit(text)
      ? []
      : [problem(`${name}: needs ${expected}, not ${JSON.stringify(text.slice(0, 60))}.`, name)],
  );
  return problems.length === 0 && quote !== undefined && quote === separator
    ? [problem("quote: is the separator as well; say two different characters.", "quote")]
    : problems;
}

function launchOf(ports: ImportPorts, { viewer, form, options }: ImportRequest): LaunchRequest {
  const kind = BULK_KINDS[OPERATION_OF[form.operation]];
  const { mode, maxAffected } = options;
  const input: JsonObject = {
    import: form as unknown as JsonObject,
    // For when the file has come: what else the task needs is in its row.
    ...(mode === undefined ? {} : { mode }),
    ...(maxAffected === undefined ? {} : { maxAffected }),
  };
  return {
    kind,
    model: form.model,
    viewer,
    input,
    // The content is not known yet; see receive-import.
    inputHash: launchHash(kind, { model: form.model, input }, options),
    // What comes is not known either, so it is like nothing else.
    options: { ...options, allowDuplicate: true },
    records: [],
    claims: [],
    ...chunksOf(ports, form.model),
    total: null,
  };
}

async function openNew(
  ports: ImportPorts,
  request: ImportRequest,
  launch: LaunchRequest,
): Promise<LaunchOutcome> {
  const repeated = await answerRepeated(ports, launch);
  if (repeated !== undefined) {
    return repeated;
  }
  const { kind, model, viewer, options } = launch;
  const asked = { kind, model, viewer, asked: options.notify };
  const notify = resolveNotify(ports.notifyPolicy ?? TELL_NOBODY, ports.logger, asked);
  if ("problems" in notify) {
    return invalid(notify.problems);
  }
  const written = await writeOpen(ports, request, { ...launch, notify: notify.value });
  switch (written.kind) {
    case "CREATED": {
      const task = await readTask(ports.tasks, written.taskId);
      await callCreateHook(ports, { taskId: task.id, task }, kind);
      return { kind: "LAUNCHED", task, isDuplicate: false };
    }
    case "EXISTING":
      return answerWith(ports, written.existing, launch.inputHash);
    case "ENDED":
    case "RETRIED_TASK_GONE":
      return { kind: "UNAVAILABLE", message: "The import could not be opened. Try again." };
  }
}

type WrittenOpen =
  | { readonly kind: "CREATED"; readonly taskId: string }
  | Exclude<CreateResult, { readonly kind: "CREATED" }>;

function writeOpen(
  ports: ImportPorts,
  { form, fileName }: ImportRequest,
  launch: LaunchRequest,
): Promise<WrittenOpen> {
  return runOrRollBack<WrittenOpen>(ports.unitOfWork, async (transaction) => {
    const { taskId, create } = createLaunchTransaction(ports, transaction, launch, undefined);
    const result = await create([]);
    if (result.kind !== "CREATED") {
      return { rollBack: result };
    }
    const aliveUntil = new Date(ports.clock.now().getTime() + ports.limits.waitMs);
    await ports.imports.open(transaction, { taskId, form, fileName: fileName ?? null, aliveUntil });
    return { commit: { kind: "CREATED", taskId } };
  });
}
