import { createHash, randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecutionResult } from "graphql";
import { graphql } from "graphql";
import type { Viewer } from "../core/access/viewer.ts";
import { ANONYMOUS } from "../core/access/viewer.ts";
import type { DefinedTask } from "../core/tasks/define-task.ts";
import type { TaskLaunchOptions, TaskManager, TaskOrId } from "../core/tasks/manager/task-manager.ts";
import type { StoredResult } from "../core/tasks/stored-result.ts";
import type { Task } from "../core/tasks/task.ts";
import type { Json } from "../kernel/json.ts";
import { createSilentLogger } from "../kernel/logger.ts";
import { createDatabase, withSession } from "./create-database.ts";
import type { PowerCrud, PowerCrudOptions } from "./create-powercrud.ts";
import { createPowerCrud } from "./create-powercrud.ts";
import { migrateDatabase } from "./migrate-database.ts";

/** The options of {@link createTestPowerCrud}: those of createPowerCrud, and where the database comes from. */
export interface TestPowerCrudOptions extends Omit<PowerCrudOptions, "databaseUrl" | "projectDir"> {
  /** The folder of the project, absolute. Its migrations make the tables, and then its Prisma schema what they lack. */
  readonly projectDir: string;
  /** A PostgreSQL whose user may create databases. Default: an embedded one, which all tests of the project share. */
  readonly databaseUrl?: string | undefined;
}

/** The project's API with a worker, on a database of its own. */
export interface TestPowerCrud {
  readonly powercrud: PowerCrud;
  /** The same as `powercrud.tasks`. */
  readonly tasks: TaskManager;
  /** The new database, for statements of the test. */
  readonly databaseUrl: string;
  /** Runs a query or mutation as the viewer, by default an anonymous one. */
  execute(source: string, options?: ExecuteOptions): Promise<ExecutionResult>;
  /** Stops everything, and drops the database. */
  stop(): Promise<void>;
}

/** The options of {@link TestPowerCrud.execute}. */
export interface ExecuteOptions {
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly viewer?: Viewer;
}

/**
 * Makes a database, migrates it, and starts the project on it, for one test or one file of tests.
 * @throws as createPowerCrud and migrateDatabase do; nothing is left then
 */
export async function createTestPowerCrud(options: TestPowerCrudOptions): Promise<TestPowerCrud> {
  const { projectDir, databaseUrl: serverUrl, ...rest } = options;
  const { logger = createSilentLogger() } = options;
  const server = createDatabase({ databaseUrl: serverUrl, dataDir: sharedFolder(projectDir), logger });
  const undo: (() => Promise<void>)[] = [() => server.stop()];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) {
      await step();
    }
  };
  try {
    await server.start();
    const name = `test_${randomUUID().replaceAll("-", "")}`;
    const databaseUrl = Object.assign(new URL(server.url), { pathname: `/${name}` }).href;
    await run(server.url, `CREATE DATABASE ${name}`);
    undo.push(() => run(server.url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    await makeTables(databaseUrl, projectDir);
    const powercrud = await createPowerCrud({ ...rest, databaseUrl, projectDir });
    undo.push(() => powercrud.stop());
    await powercrud.start();
    const { tasks } = powercrud;
    return { powercrud, tasks, databaseUrl, execute: (source, how) => execute(powercrud, source, how), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Waits until the task is settled, 30 seconds at most unless `timeoutMs` says otherwise. What it takes first is a test's
 * `createTestPowerCrud`, or any engine.
 * @returns the task as it is then
 * @throws as `tasks.wait` does: a DOMException named TimeoutError if it takes longer, AppError NOT_FOUND if there is no such
 *   task
 */
export function untilSettled<Result = Json>(
  { tasks }: Pick<PowerCrud, "tasks">,
  task: TaskOrId<Result>,
  timeoutMs = 30_000,
): Promise<Task<Result>> {
  return tasks.wait(task, { timeoutMs });
}

/**
 * Launches one of the project's own tasks and runs it in this process, before it returns. One that stands in line, or tries
 * again later, is waited for.
 * @returns the settled task; FAILED, with the message, if its `run` threw
 * @throws Error with the reason if the launch is refused
 */
export async function runInline<Input, Result>(
  powercrud: Pick<PowerCrud, "tasks">,
  task: DefinedTask<Input, Result> | string,
  input: NoInfer<Input>,
  options: TaskLaunchOptions = {},
): Promise<Task<StoredResult<Result> | null>> {
  const definition = task as DefinedTask<Input, Result>;
  const outcome = await powercrud.tasks.launch(definition, input, { ...options, mode: "SYNC" });
  if (outcome.kind !== "LAUNCHED") {
    const kind = typeof task === "string" ? task : task.kind;
    throw new Error(`the launch of ${kind} was refused (${outcome.kind}): ${outcome.message}`);
  }
  // A task that has to stand in line runs in a worker after all.
  return untilSettled(powercrud, outcome.task);
}

function execute(
  { schema }: PowerCrud,
  source: string,
  { variables = {}, viewer = ANONYMOUS }: ExecuteOptions = {},
): Promise<ExecutionResult> {
  return graphql({ schema, source, variableValues: variables, contextValue: { viewer } });
}

/** The first process to start the embedded PostgreSQL of a folder starts it, and the last one stops it. */
function sharedFolder(projectDir: string): string {
  const hash = createHash("sha256").update(projectDir).digest("hex").slice(0, 12);
  return join(tmpdir(), `powercrud-testing-${hash}`);
}

async function makeTables(databaseUrl: string, projectDir: string): Promise<void> {
  const { drift } = await migrateDatabase({ databaseUrl, projectDir });
  if (drift !== undefined) {
    await run(databaseUrl, drift);
  }
}

async function run(databaseUrl: string, sql: string): Promise<void> {
  const logger = createSilentLogger();
  await withSession({ databaseUrl, applicationName: "powercrud testing", logger }, (session) =>
    session.query(sql),
  );
}
