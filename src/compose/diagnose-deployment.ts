import type { Clock } from "../kernel/clock.ts";
import { createSystemClock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/logger.ts";
import type { SqlSession } from "../kernel/sql-session.ts";
import type { BackendChoice } from "../core/health/examinations.ts";
import type { Examination, ExaminationPorts, HealthCheck } from "../core/health/health-check.ts";
import type { Health } from "../core/health/read-health.ts";
import { usualBackend } from "../core/processes/process-register.ts";
import { isHealthy, readHealth } from "../core/health/read-health.ts";
import { runExaminations } from "../core/health/health-check.ts";
import { createPostgresProcessRegister } from "../adapters/postgres/postgres-process-register.ts";
import { schemaOfUrl } from "../adapters/postgres/connection/schema-of-url.ts";
import { readServerTime } from "../adapters/postgres/connection/database-facts.ts";
import { createFailFastRedis } from "../adapters/redis/redis-connection.ts";
import type { Config } from "../config/config.ts";
import { chooseBackend } from "./choose-backend.ts";
import type { DatabaseOptions } from "./create-database.ts";
import { createDatabase, withSession } from "./create-database.ts";
import { healthPortsOf } from "./create-health.ts";
import type { PowerCrudConfig } from "./define-config.ts";
import { examineModels } from "./examine-models.ts";
import { examineSession } from "./examine-session.ts";
import { examineMigrations, examineRedis } from "./examinations.ts";
import { openDeployment } from "./open-deployment.ts";

/** The health of a deployment, also if none of its processes can start. */
export interface Diagnosis extends Omit<Health, "backend"> {
  /** Null if none can be chosen; a check says why. */
  readonly backend: BackendChoice | null;
}

/** The options of {@link diagnoseDeployment}. */
export interface DiagnoseOptions {
  readonly database: DatabaseOptions;
  readonly config: Config;
  /** The folder that holds `prisma/`, absolute. */
  readonly projectDir: string;
  /** Loads the project's file. Default: there is none, and its models are not examined. */
  readonly loadProject?: (() => Promise<PowerCrudConfig>) | undefined;
  readonly logger: Logger;
}

/** Timeout for reaching the database, and for loading the project's file, in ms. An embedded PostgreSQL may have to be created. */
const START_PATIENCE_MS = 60_000;

/** The checks that need a migrated database and a chosen backend. */
const DEPENDENT = ["queue", "bus", "notifications", "workers"];

/** Examines each part whose own requirements are met. Never rejects, and changes nothing. */
export async function diagnoseDeployment(options: DiagnoseOptions): Promise<Diagnosis> {
  const clock = createSystemClock();
  const { config, logger } = options;
  const ports = { clock, logger };
  const database = createDatabase(options.database);
  const reaching: Examination = {
    name: "database",
    async examine() {
      await database.start();
      return { status: "OK", message: "PostgreSQL answers." };
    },
  };
  try {
    const reached = await runExaminations(ports, [reaching], START_PATIENCE_MS);
    const redis = await examineServers(options, clock);
    if (!isHealthy(reached)) {
      const { backend, check } = await choose(config, ports);
      const reason = "the database cannot be reached";
      const models = await examineProject(options, ports, undefined);
      return diagnosisOf(
        [...reached, ...redis, ...skip(["migrations"], reason), ...models, check, ...skip(DEPENDENT, reason)],
        backend,
      );
    }
    return await diagnoseDatabase(options, database.url, clock, [...reached, ...redis]);
  } finally {
    await database.stop();
  }
}

/** Redis, if it may become the backend. */
async function examineServers(
  { config: { backend, redisUrl: url, redisKeyPrefix }, logger }: DiagnoseOptions,
  clock: Clock,
): Promise<readonly HealthCheck[]> {
  if (url === undefined || backend === "postgres") {
    return [];
  }
  const connection = createFailFastRedis({ url, name: "doctor", logger });
  try {
    return await runExaminations({ clock, logger }, [examineRedis(connection, redisKeyPrefix)]);
  } finally {
    connection.close();
  }
}

/** The project's models, if it has a file that names them. */
async function examineProject(
  { loadProject }: DiagnoseOptions,
  ports: ExaminationPorts,
  database: Parameters<typeof examineModels>[1],
): Promise<readonly HealthCheck[]> {
  if (loadProject === undefined) {
    return [];
  }
  // Where it cannot be loaded, the examination of the models says so.
  const project = database && (await loadProject().catch(() => undefined));
  const session = database && project && examineSession(project, database);
  const examinations = [examineModels(loadProject, database), ...(session === undefined ? [] : [session])];
  return runExaminations(ports, examinations, START_PATIENCE_MS);
}

async function diagnoseDatabase(
  options: DiagnoseOptions,
  databaseUrl: string,
  clock: Clock,
  checks: readonly HealthCheck[],
): Promise<Diagnosis> {
  const { config, projectDir, logger } = options;
  const ports = { clock, logger };
  const { backend: chosen, check } = await choose(config, ports);
  const { migrations, models, backend } = await withSession(
    { databaseUrl, applicationName: "powercrud doctor", logger },
    async (session) => {
      const found = await runExaminations(ports, [examineMigrations(session, { projectDir, databaseUrl })]);
      const heardSince = new Date((await timeAt(session, clock)).getTime() - config.leaseMs);
      const current = isHealthy(found)
        ? // If the database fails just now, the following checks report it.
          await backendOfOthers(session, config, heardSince).catch(() => undefined)
        : undefined;
      // If Redis cannot be reached from here, examine the backend that the running processes use.
      const isAside = chosen === null || chosen.isFallback === true;
      return {
        migrations: found,
        models: await examineProject(
          options,
          ports,
          isHealthy(found) ? { session, defaultSchema: schemaOfUrl(databaseUrl) } : undefined,
        ),
        backend: (isAside ? current : undefined) ?? chosen,
      };
    },
  );
  const known = [...checks, ...migrations, ...models];
  if (backend === null || !isHealthy(migrations)) {
    const reason = backend === null ? "there is no backend" : "the database is not migrated";
    return diagnosisOf([...known, check, ...skip(DEPENDENT, reason)], backend);
  }
  const deployment = openDeployment({ config, databaseUrl, backend, clock, logger });
  try {
    // If this fails, the checks report why.
    await deployment.followTime().catch(() => undefined);
    // Redis is examined again: only with the database can it be checked which deployment owns the keys.
    const redis = deployment.examinations.filter(({ name }) => name === "redis");
    const health = await readHealth(healthPortsOf(deployment, config, redis));
    const names = new Set(health.checks.map(({ name }) => name));
    const others = known.filter(({ name }) => !names.has(name));
    return { ...health, ...diagnosisOf([...others, ...health.checks], backend, health) };
  } finally {
    await deployment.close();
  }
}

/** The time by the database's clock, or by ours if that cannot be read. */
function timeAt(session: SqlSession, clock: Clock): Promise<Date> {
  return readServerTime(session).catch(() => clock.now());
}

/** Redis, if running processes have their queue there; otherwise undefined. */
async function backendOfOthers(
  session: SqlSession,
  { backend, redisUrl }: Config,
  heardSince: Date,
): Promise<BackendChoice | undefined> {
  if (redisUrl === undefined || backend === "postgres") {
    return undefined;
  }
  const others = await createPostgresProcessRegister({ session }).list(heardSince);
  return usualBackend(others) === "redis"
    ? { name: "redis", reason: "The processes of the deployment have their queue there." }
    : undefined;
}

async function choose(
  config: Config,
  ports: { readonly clock: Clock; readonly logger: Logger },
): Promise<{ readonly backend: BackendChoice | null; readonly check: HealthCheck }> {
  let backend: BackendChoice | null = null;
  const choosing: Examination = {
    name: "backend",
    async examine() {
      backend = await chooseBackend(config, ports.logger);
      const { name, reason, isFallback } = backend;
      return { status: isFallback === true ? "WARNING" : "OK", message: `${name}: ${reason}` };
    },
  };
  const [check] = await runExaminations(ports, [choosing]);
  return { backend, check: check as HealthCheck };
}

function skip(names: readonly string[], reason: string): readonly HealthCheck[] {
  const message = `Not examined: ${reason}.`;
  return names.map((name) => ({ name, status: "WARNING", message, latencyMs: null }));
}

function diagnosisOf(
  checks: readonly HealthCheck[],
  backend: BackendChoice | null,
  { workersAlive, processes }: Pick<Health, "workersAlive" | "processes"> = {
    workersAlive: 0,
    processes: [],
  },
): Diagnosis {
  return { isHealthy: isHealthy(checks), backend, checks, workersAlive, processes };
}
