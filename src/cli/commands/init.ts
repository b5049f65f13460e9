import { existsSync } from "node:fs";
import { join } from "node:path";

import { isAuthRequired } from "../../compose/create-authentication.ts";
import { diagnoseDeployment } from "../../compose/diagnose-deployment.ts";
import { examineEngineTarget } from "../../compose/engine-target.ts";
import { introspectDatabase } from "../../compose/introspect-database.ts";
import { createFirstApiKey } from "../../compose/manage-keys.ts";
import { migrateDatabase, migrateEngine } from "../../compose/migrate-database.ts";
import { SERVICE_VARIABLES } from "../../config/service-variables.ts";
import { AppError } from "../../kernel/app-error.ts";
import { createSilentLogger } from "../../kernel/logger.ts";
import { applyChanges } from "../../project/apply-changes.ts";
import { diffText } from "../../project/diff-text.ts";
import { hidePassword } from "../../project/env-files.ts";
import type { ProjectFacts } from "../../project/inspect-project.ts";
import { inspectProject } from "../../project/inspect-project.ts";
import type { InitPlan } from "../../project/plan-init.ts";
import { planInit } from "../../project/plan-init.ts";
import { findGenerator, findInstaller, runTool } from "../../project/run-tools.ts";
import type { CliContext } from "../cli-context.ts";
import type { InitDisplay } from "../init-display.ts";
import { createInitDisplay } from "../init-display.ts";
import { withDatabase } from "../with-database.ts";
import { describeDiagnosis } from "./doctor.ts";
import { auditOf } from "./keys.ts";

/** The options of `powercrud init`. */
export interface InitOptions {
  /** Shows the changes, and makes none. */
  readonly dryRun?: boolean;
  /** Asks no question. */
  readonly yes?: boolean;
  /** The database to use in the place of DATABASE_URL. */
  readonly databaseUrl?: string;
}

/** Where a schema goes that was read from the database. */
const NEW_SCHEMA = "prisma/schema.prisma";

/**
 * `powercrud init`: makes the project one that powercrud serves. Run again, it does only what is missing.
 * @returns whether the service can start: no check of `doctor` FAILED
 * @throws AppError with all reasons why it cannot be done; then nothing is changed
 */
export async function init(cli: CliContext, options: InitOptions): Promise<boolean> {
  const context = withoutLog(
    options.databaseUrl === undefined ? cli : withDatabaseUrl(cli, options.databaseUrl),
  );
  const display = await createInitDisplay({
    stream: process.stdout,
    env: process.env,
    print: (line) => context.print(line),
  });
  display.begin(`powercrud init: ${context.projectDir}`);
  const work = await planWork(context, options, display);
  describePlan(work.plan, options.dryRun === true, display);
  const steps = stepsOf(work);
  if (options.dryRun === true) {
    const wanted = steps.map(({ label }) => `- ${label}`);
    display.end(wanted.length === 0 ? "nothing to do" : ["It would:", ...wanted].join("\n"));
    return true;
  }
  if (steps.length > 0 && options.yes !== true && !(await display.confirm("Make these changes?"))) {
    display.end("nothing was changed");
    return true;
  }
  for (const { label, run } of steps) {
    context.stopSignal.throwIfAborted();
    await display.step(label, run);
  }
  return finish(context, steps.length === 0, display);
}

/** What matters is displayed. */
function withoutLog(context: CliContext): CliContext {
  const logger = createSilentLogger();
  return { ...context, logger, database: { ...context.database, logger } };
}

/** The option counts like the variable, for this run. */
function withDatabaseUrl(context: CliContext, text: string): CliContext {
  const { name, expected, parse } = SERVICE_VARIABLES.databaseUrl;
  const databaseUrl = parse(text);
  if (databaseUrl === undefined) {
    throw new AppError("INVALID_CONFIG", `--database-url must be ${expected}, as for ${name}`);
  }
  return {
    ...context,
    config: { ...context.config, databaseUrl },
    database: { ...context.database, databaseUrl },
  };
}

/** All that `init` has to do. */
interface InitWork {
  readonly context: CliContext;
  readonly facts: ProjectFacts;
  readonly plan: InitPlan;
  /** Whether the database lacks something of the engine's. */
  readonly isMigrationNeeded: boolean;
}

async function planWork(context: CliContext, options: InitOptions, display: InitDisplay): Promise<InitWork> {
  const { config, projectDir, logger, database } = context;
  const facts = await inspectProject(projectDir);
  const pending =
    config.databaseUrl === undefined ? undefined : await examineEngineTarget(config.databaseUrl, logger);
  const isMigrationNeeded =
    pending === undefined ? !existsSync(join(database.dataDir, "postgres")) : pending.length > 0;
  const isWithout = facts.schemaFiles.length === 0 && options.databaseUrl !== undefined;
  const introspected = isWithout ? await introspectDatabase(options.databaseUrl, NEW_SCHEMA) : undefined;
  if (introspected !== undefined && introspected.warnings !== "") {
    display.warn(introspected.warnings.trim());
  }
  const plan = planInit(facts, {
    databaseUrl: options.databaseUrl,
    isDatabaseSet: config.databaseUrl !== undefined,
    introspected: introspected?.file,
  });
  if (plan.kind === "REFUSED") {
    throw new AppError("INVALID_CONFIG", plan.problems.join("\n"));
  }
  return { context, facts, plan, isMigrationNeeded };
}

/** Shows the changes of files: whole in a dry run, else by their names. */
function describePlan({ changes, leftAlone }: InitPlan, isWhole: boolean, display: InitDisplay): void {
  if (changes.length > 0) {
    const lines = isWhole
      ? changes.map((change) => hidePassword(diffText(change)))
      : changes.map(({ path, before }) => `${before === undefined ? "new    " : "changed"} ${path}`);
    display.show("Files", lines.join("\n"));
  }
  for (const note of leftAlone) {
    display.warn(`${note}; it was left as it is`);
  }
}

interface Step {
  readonly label: string;
  readonly run: () => Promise<string>;
}

/** What is to be done, in order; empty for a project that has had its `init`. */
function stepsOf(work: InitWork): readonly Step[] {
  const { context, facts, plan, isMigrationNeeded } = work;
  const { projectDir, stopSignal } = context;
  const { env } = process;
  const steps: Step[] = [];
  if (plan.changes.length > 0) {
    const names = plan.changes.map(({ path }) => path).join(", ");
    steps.push({
      label: `write ${names}`,
      run: async () => {
        await applyChanges(projectDir, plan.changes);
        return `wrote ${names}`;
      },
    });
  }
  if (plan.isInstallNeeded) {
    const tool = findInstaller(projectDir);
    steps.push({
      label: tool.command,
      run: async () => {
        await runTool(tool, projectDir, env, stopSignal);
        return "the packages are installed";
      },
    });
  }
  if (plan.changes.length > 0 || !existsSync(join(projectDir, plan.generatedModule))) {
    steps.push({
      label: "npx prisma generate",
      run: async () => {
        await runTool(findGenerator(projectDir, env, facts.paths.unset), projectDir, env, stopSignal);
        return `generated ${plan.generatedModule}`;
      },
    });
  }
  if (isMigrationNeeded) {
    steps.push({
      label: `create or update the schema powercrud in ${nameOf(context)}`,
      run: () => migrate(context),
    });
  }
  return steps;
}

function nameOf({ config: { databaseUrl } }: CliContext): string {
  return databaseUrl === undefined ? "the embedded PostgreSQL" : hidePassword(databaseUrl);
}

/** In a database of the user's, only the engine's schema; the embedded one gets the tables of the models, too. */
async function migrate(context: CliContext): Promise<string> {
  const { projectDir, config } = context;
  if (config.databaseUrl !== undefined) {
    await migrateEngine(config.databaseUrl);
    return `created the schema powercrud in ${nameOf(context)}; nothing else was changed there`;
  }
  await withDatabase(context, async (databaseUrl) => {
    await migrateDatabase({ databaseUrl, projectDir, isEmbedded: true });
  });
  return `created the schema powercrud and the tables of your models in ${nameOf(context)}`;
}

/** Examines what was made, and says how to go on. */
async function finish(context: CliContext, isNothingDone: boolean, display: InitDisplay): Promise<boolean> {
  const { config, database, projectDir, logger, loadProject } = context;
  const diagnosis = await diagnoseDeployment({ config, database, projectDir, logger, loadProject });
  display.show("npx powercrud doctor", describeDiagnosis(diagnosis).join("\n"));
  const address = `http://${config.host}:${config.port === 0 ? "<port>" : config.port}`;
  const key = await makeFirstKey(context);
  if (key !== undefined) {
    display.show("The API key admin, which is shown this once", key);
  }
  const query = await findSampleQuery(context);
  const header = isAuthRequired(config) ? ` -H 'authorization: Bearer ${key ?? "<API key or JWT>"}'` : "";
  const lines = [
    "npx powercrud start",
    "",
    `${address}/graphql         the API, and GraphiQL in a browser`,
    `${address}/health/ready    whether it can serve`,
    ...(query === undefined
      ? []
      : [
          "",
          `curl ${address}/graphql -H 'content-type: application/json'${header} -d '${JSON.stringify({ query })}'`,
        ]),
  ];
  display.show("Start it, and try it", lines.join("\n"));
  display.end(
    isNothingDone ? "nothing to do" : diagnosis.isHealthy ? "done" : "done, but see what doctor says",
  );
  return diagnosis.isHealthy;
}

/** Where callers must identify themselves, and there is no other way to, an administrator's key. */
async function makeFirstKey(context: CliContext): Promise<string | undefined> {
  const { config, logger } = context;
  const { auth } = await context.loadProject();
  const hasWay =
    auth?.authenticate !== undefined || config.jwtSecret !== undefined || config.jwksUrl !== undefined;
  if (!isAuthRequired(config) || hasWay) {
    return undefined;
  }
  let made: string | undefined;
  await withDatabase(context, async (databaseUrl) => {
    const address = { databaseUrl, config, logger, ...auditOf(context) };
    made = await createFirstApiKey(address, auth?.adminRole);
  });
  return made;
}

async function findSampleQuery(context: CliContext): Promise<string | undefined> {
  const [{ printPowerCrudSchema }, { sampleQuery }, project] = await Promise.all([
    import("../../compose/print-schema.ts"),
    import("../../compose/sample-query.ts"),
    context.loadProject(),
  ]);
  return sampleQuery(printPowerCrudSchema(project));
}
