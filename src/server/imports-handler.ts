import type { ImportForm, ImportFormat } from "../core/imports/import-form.ts";
import type { ImportRefusal, ReceiveOutcome } from "../core/imports/import-ports.ts";
import type { Imports } from "../core/imports/imports.ts";
import type { Viewer } from "../core/access/viewer.ts";
import type { ModelRegistry } from "../core/records/model.ts";
import type { LaunchOutcome } from "../core/tasks/launch/launch-outcome.ts";
import type { TaskManager } from "../core/tasks/manager/task-manager.ts";
import type { TaskSight } from "../core/tasks/task-sight.ts";
import { isWithin } from "../core/tasks/task-sight.ts";
import type { Task } from "../core/tasks/task.ts";
import { AppError, isAppError } from "../kernel/app-error.ts";
import type { ErrorCode } from "../kernel/error-codes.ts";
import { isUuid } from "../kernel/ids.ts";
import { nearestName } from "../kernel/nearest-name.ts";
import type { ByteBudget } from "./byte-budget.ts";
import type { Caller } from "./callers/caller.ts";
import { admitCaller } from "./callers/admit-caller.ts";
import type { CallerGuard } from "./callers/caller-guard.ts";
import type { Callers } from "./callers/callers.ts";
import { headOf, sendAppError, sendJson, sendRefusal } from "./http-messages.ts";
import { readImportParameters } from "./import-parameters.ts";
import type { UploadedFile } from "./uploaded-file.ts";
import { uploadedFile } from "./uploaded-file.ts";
import type { IncomingMessage, ServerResponse } from "node:http";

/** Takes files: `POST /imports/<Model>`, and `PUT /imports/<id>` for a task that waits for its file. */
export interface ImportsHandler {
  /** Answers a request whose path is an import's; undefined for any other path. */
  at(path: string): ((request: IncomingMessage, response: ServerResponse) => Promise<void>) | undefined;
}

export interface ImportsHandlerOptions {
  readonly imports: Imports;
  readonly models: Pick<ModelRegistry, "all">;
  readonly tasks: Pick<TaskManager, "get">;
  readonly sight: TaskSight;
  readonly callers: Callers;
  readonly guard: CallerGuard;
  /** For what is held of bodies that are not answered yet. */
  readonly budget: ByteBudget;
  /** How long a client may send nothing, in ms. */
  readonly idleMs: number;
}

/** What one upload holds at a time, at most: the pages on their way, and the buffers of sockets and streams. */
const HELD_BYTES = 8 * 1024 * 1024;
/** How long a client that is refused early may go on sending, before its connection is closed, in ms. */
const LINGER_MS = 2000;

export function createImportsHandler(options: ImportsHandlerOptions): ImportsHandler {
  return {
    at(path) {
      const [root, imports, name, ...rest] = path.split("/");
      return root === "" && imports === "imports" && name !== undefined && name !== "" && rest.length === 0
        ? (request, response) => answer(options, decodeName(name), request, response)
        : undefined;
    },
  };
}

function decodeName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

async function answer(
  options: ImportsHandlerOptions,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== "POST" && request.method !== "PUT") {
    response.setHeader("allow", "POST, PUT");
    sendRefusal(
      response,
      405,
      "VALIDATION_FAILED",
      "Files are sent with POST, or with PUT for a task that waits for one.",
    );
    return;
  }
  // Until all of the body is read, the connection is good for nothing else.
  response.once("finish", () => lingerClose(request));
  if (!options.budget.take(HELD_BYTES)) {
    options.guard.noteStranger(headOf(request, response), "unavailable", "bytes");
    response.setHeader("retry-after", "1");
    refuse(
      request,
      response,
      "UNAVAILABLE",
      "The service is receiving too much at once. Nothing was changed; try again later.",
    );
    return;
  }
  let caller: Caller | undefined;
  try {
    caller = await admitCaller(options, "write", request, response);
    await (isUuid(name)
      ? receiveFor(options, caller, name, request, response)
      : receiveNew(options, caller, name, request, response));
  } catch (error) {
    if (response.headersSent || !isAppError(error) || error.code === "INTERNAL") {
      throw error;
    }
    if (caller !== undefined) {
      const named = isUuid(name) ? { taskId: name } : { model: name };
      const outcome = error.code.toLowerCase();
      options.guard.noteFile(caller, headOf(request, response), { action: "file", outcome, ...named });
    }
    closeUnlessRead(request, response);
    if (error.code in STATUSES) {
      refuse(request, response, error.code, error.message, error.details);
    } else {
      sendAppError(response, error);
    }
  } finally {
    options.budget.giveBack(HELD_BYTES);
  }
}

async function receiveNew(
  options: ImportsHandlerOptions,
  { viewer }: Caller,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const model = modelNamed(options.models, name);
  const parameters = readImportParameters(queryOf(request));
  if ("problems" in parameters) {
    const { problems } = parameters;
    throw new AppError("VALIDATION_FAILED", problems.map(({ message }) => message).join(" "), {
      details: { problems },
    });
  }
  const { form: given, format, options: launching } = parameters.value;
  const file = await uploadedFile(request, options.idleMs);
  const form: ImportForm = {
    ...given,
    ...(given.encoding === undefined && file.encoding !== undefined ? { encoding: file.encoding } : {}),
    model,
    format: format ?? file.format ?? unknownFormat(),
  };
  const opened = await options.imports.open({ viewer, form, fileName: file.name, options: launching });
  if (opened.kind !== "LAUNCHED") {
    file.stop();
    sendOutcome(request, response, opened);
    return;
  }
  await receive(options, viewer, opened, file, request, response);
}

function unknownFormat(): ImportFormat {
  const message =
    "The content type says neither CSV nor JSON Lines. Send text/csv, application/jsonl or multipart/form-data, or say format=csv or format=jsonl.";
  throw new AppError("VALIDATION_FAILED", message);
}

async function receiveFor(
  options: ImportsHandlerOptions,
  { viewer }: Caller,
  taskId: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const task = await options.tasks.get(taskId);
  // Who may see a task may not yet speak in its place.
  if (task === undefined || !isWithin(options.sight.scopeOf(viewer), task) || task.viewer.id !== viewer.id) {
    throw new AppError("NOT_FOUND", `There is no import "${taskId.slice(0, 100)}".`);
  }
  const file = await uploadedFile(request, options.idleMs);
  await receive(options, task.viewer, { task, isDuplicate: false }, file, request, response);
}

async function receive(
  { imports }: ImportsHandlerOptions,
  viewer: Viewer,
  { task, isDuplicate }: { readonly task: Task; readonly isDuplicate: boolean },
  file: UploadedFile,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { bytes, countReceived, stop } = file;
  const upload = { taskId: task.id, viewer, bytes, countReceived, stop };
  const outcome = isDuplicate ? await imports.repeat(upload) : await imports.receive(upload);
  if (!request.destroyed || request.complete) {
    const states = outcome.kind === "LAUNCHED" ? await imports.find([outcome.task.id]) : new Map();
    sendOutcome(
      request,
      response,
      outcome,
      outcome.kind === "LAUNCHED" ? states.get(outcome.task.id) : undefined,
    );
  }
}

function modelNamed({ all }: Pick<ModelRegistry, "all">, name: string): string {
  const models = all();
  const found = models.find(({ apiName }) => apiName === name);
  if (found !== undefined) {
    return found.name;
  }
  const names = models.map(({ apiName }) => apiName);
  const nearest = nearestName(name, names);
  const advice = nearest === undefined ? `Known are ${names.join(", ")}.` : `Did you mean ${nearest}?`;
  throw new AppError("UNKNOWN_MODEL", `There is no model "${name.slice(0, 60)}". ${advice}`);
}

function queryOf(request: IncomingMessage): URLSearchParams {
  return new URLSearchParams((request.url ?? "").split("?").slice(1).join("?"));
}

/** The HTTP status of each code that an import is refused with. */
const STATUSES: { readonly [Code in ErrorCode]?: number } = {
  VALIDATION_FAILED: 400,
  CONSTRAINT_VIOLATED: 400,
  UNKNOWN_MODEL: 404,
  NOT_FOUND: 404,
  FORBIDDEN: 403,
  CONFLICT: 409,
  TASK_SETTLED: 409,
  IDEMPOTENCY_MISMATCH: 409,
  LIMIT_EXCEEDED: 413,
  UNAVAILABLE: 503,
};

const CODES: Readonly<Record<ImportRefusal["kind"], ErrorCode>> = {
  CONFLICT: "CONFLICT",
  INVALID: "VALIDATION_FAILED",
  MISSING: "NOT_FOUND",
  FORBIDDEN: "FORBIDDEN",
  LIMIT: "LIMIT_EXCEEDED",
  IDEMPOTENCY_MISMATCH: "IDEMPOTENCY_MISMATCH",
  SETTLED: "TASK_SETTLED",
  NOT_PAUSABLE: "VALIDATION_FAILED",
  NOT_PAUSED: "VALIDATION_FAILED",
  UNAVAILABLE: "UNAVAILABLE",
};

function sendOutcome(
  request: IncomingMessage,
  response: ServerResponse,
  outcome: LaunchOutcome | ReceiveOutcome,
  state?: Parameters<typeof importedTask>[1],
): void {
  if (outcome.kind === "LAUNCHED") {
    sendJson(response, 202, { task: importedTask(outcome.task, state), isDuplicate: outcome.isDuplicate });
    return;
  }
  const { message, line, importTask } = outcome as ImportRefusal;
  const code =
    outcome.kind === "INVALID" ? (outcome.problems[0]?.code ?? CODES.INVALID) : CODES[outcome.kind];
  const task = importTask ?? ("task" in outcome ? outcome.task : undefined);
  refuse(request, response, code, message, {
    ...(line === undefined ? {} : { line }),
    ...("problems" in outcome ? { problems: outcome.problems } : {}),
    ...(task === undefined ? {} : { task: importedTask(task) }),
  });
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  code: ErrorCode,
  message: string,
  details: object = {},
): void {
  closeUnlessRead(request, response);
  sendRefusal(response, STATUSES[code] ?? 400, code, message, details);
}

/** A client that is still sending learns that it need not go on. */
function closeUnlessRead(request: IncomingMessage, response: ServerResponse): void {
  if (!request.complete) {
    response.setHeader("connection", "close");
  }
}

/** Reads on for a moment, so that a client that sends before it reads gets its answer; then closes. */
function lingerClose(request: IncomingMessage): void {
  if (!request.complete) {
    request.unpipe();
    request.resume();
    const { socket } = request;
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  }
}

/** An import's task as HTTP tells it. */
function importedTask(
  task: Task,
  state?: {
    readonly bytes: number;
    readonly rows: number;
    readonly rejected: number;
    readonly readOnlyColumns: readonly string[];
  },
) {
  const { id, kind, model, label, status, isDryRun, errorPolicy, message, progress } = task;
  const { createdAt, startedAt, finishedAt } = task;
  return {
    id,
    kind,
    model,
    label,
    status,
    isDryRun,
    errorPolicy,
    createdAt,
    startedAt,
    finishedAt,
    message,
    progress,
    ...(state === undefined
      ? {}
      : {
          import: {
            bytes: state.bytes,
            rows: state.rows,
            rejected: state.rejected,
            readOnlyColumns: state.readOnlyColumns,
          },
        }),
  };
}
