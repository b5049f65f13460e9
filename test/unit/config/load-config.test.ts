import { describe, expect, test } from "vitest";

import { SEED_VARIABLES } from "../../../prisma/seed/seed.ts";
import { loadConfig } from "../../../src/config/config.ts";
import { SERVICE_VARIABLES } from "../../../src/config/service-variables.ts";
import { isAppError } from "../../../src/kernel/app-error.ts";

/** The variables of the service and of the demo. */
const VARIABLES = { ...SERVICE_VARIABLES, ...SEED_VARIABLES };

function problemsOf(env: Record<string, string>): string[] {
  try {
    loadConfig(env, VARIABLES);
    return [];
  } catch (error) {
    return isAppError(error, "INVALID_CONFIG") ? error.message.split("\n") : ["another error"];
  }
}

test("defaults", () => {
  expect(loadConfig({}, VARIABLES)).toEqual({
    host: "127.0.0.1",
    port: 4000,
    allowedOrigins: [],
    allowedHosts: [],
    rateLimit: 0,
    maxFailedSignIns: 60,
    maxConnectionsPerViewer: 1000,
    proxyHops: 0,
    auth: "auto",
    jwtSecret: undefined,
    jwksUrl: undefined,
    jwtIssuer: undefined,
    jwtAudience: undefined,
    introspection: "auto",
    graphiql: "auto",
    dashboard: "auto",
    persistedDocuments: undefined,
    isPersistedOnly: false,
    isAutomaticPersisted: true,
    databaseUrl: undefined,
    redisUrl: undefined,
    redisKeyPrefix: "powercrud:",
    backend: "auto",
    reader: "sql",
    dataDir: ".powercrud",
    logLevel: "info",
    isAudited: true,
    metricsPort: 0,
    metricsHost: "127.0.0.1",
    maxExports: 4,
    hookTimeoutMs: 600_000,
    exportTimeoutMs: 600_000,
    readTimeoutMs: 10_000,
    isAsyncEnabled: true,
    bulkMinAsyncRecords: 20,
    bulkMaxRecords: 1_000_000,
    importMaxBytes: 2_147_483_648,
    importMaxRows: 1_000_000,
    importMaxRowLength: 1_048_576,
    importWaitMs: 3_600_000,
    lockEscalationRecords: 200_000,
    whenQueueDown: "error",
    chunkRecords: 5000,
    workerConcurrency: 4,
    leaseMs: 10_000,
    maxAttempts: 100,
    maxTaskDurationMs: 86_400_000,
    progressIntervalMs: 100,
    unknownKindWaitMs: 3_600_000,
    statusPageUrl: undefined,
    smtpUrl: undefined,
    webhookSecret: undefined,
    notifyTimeoutMs: 10_000,
    notifyMaxTries: 13,
    exportRetentionMs: 86_400_000,
    taskRetentionMs: 2_592_000_000,
    seedCities: Infinity,
  });
});

test("every variable is read", () => {
  const env = {
    HOST: "::1",
    PORT: "0",
    POWERCRUD_ALLOWED_ORIGINS: "HTTPS://app.example.com:443/, http://localhost:5173",
    POWERCRUD_ALLOWED_HOSTS: "API.example.com, [::1]",
    POWERCRUD_RATE_LIMIT: "600",
    POWERCRUD_MAX_FAILED_SIGN_INS: "61",
    POWERCRUD_MAX_CONNECTIONS_PER_VIEWER: "62",
    POWERCRUD_PROXY_HOPS: "1",
    POWERCRUD_AUTH: "required",
    POWERCRUD_JWT_SECRET: "0123456789abcdef0123456789abcdef",
    POWERCRUD_JWKS_URL: "https://login.example.com/keys",
    POWERCRUD_JWT_ISSUER: "https://login.example.com/",
    POWERCRUD_JWT_AUDIENCE: "powercrud",
    POWERCRUD_INTROSPECTION: "true",
    POWERCRUD_GRAPHIQL: "false",
    POWERCRUD_DASHBOARD: "true",
    POWERCRUD_PERSISTED_DOCUMENTS: "documents",
    POWERCRUD_PERSISTED_DOCUMENTS_ONLY: "true",
    POWERCRUD_AUTOMATIC_PERSISTED_QUERIES: "false",
    DATABASE_URL: "postgresql://user:secret@host:5432/database",
    REDIS_URL: "rediss://user:secret@host:6380/1",
    POWERCRUD_REDIS_KEY_PREFIX: "ours:",
    POWERCRUD_BACKEND: "redis",
    POWERCRUD_READER: "prisma",
    POWERCRUD_DATA_DIR: "/var/lib/powercrud",
    POWERCRUD_LOG_LEVEL: "debug",
    POWERCRUD_AUDIT_LOG: "false",
    POWERCRUD_METRICS_PORT: "9464",
    POWERCRUD_METRICS_HOST: "10.0.0.7",
    POWERCRUD_MAX_EXPORTS: "13",
    POWERCRUD_EXPORT_TIMEOUT_MS: "14",
    POWERCRUD_EXPORT_RETENTION_MS: "1500",
    POWERCRUD_READ_TIMEOUT_MS: "20",
    POWERCRUD_ASYNC_ENABLED: "false",
    POWERCRUD_BULK_MIN_ASYNC_RECORDS: "1",
    POWERCRUD_BULK_MAX_RECORDS: "2",
    POWERCRUD_IMPORT_MAX_BYTES: "5",
    POWERCRUD_IMPORT_MAX_ROWS: "6",
    POWERCRUD_IMPORT_MAX_ROW_LENGTH: "7",
    POWERCRUD_IMPORT_WAIT_MS: "8000",
    POWERCRUD_LOCK_ESCALATION_RECORDS: "4",
    POWERCRUD_WHEN_QUEUE_DOWN: "sync",
    POWERCRUD_CHUNK_RECORDS: "3",
    POWERCRUD_WORKER_CONCURRENCY: "5",
    POWERCRUD_LEASE_MS: "6000",
    POWERCRUD_MAX_ATTEMPTS: "9",
    POWERCRUD_MAX_TASK_DURATION_MS: "5000",
    POWERCRUD_HOOK_TIMEOUT_MS: "5001",
    POWERCRUD_UNKNOWN_KIND_WAIT_MS: "10",
    POWERCRUD_TASK_RETENTION_MS: "9000000",
    POWERCRUD_PROGRESS_INTERVAL_MS: "7",
    POWERCRUD_STATUS_PAGE_URL: "https://app.example.com/tasks/{id}",
    POWERCRUD_SMTP_URL: "smtp://user:password@mail.example.com:2525",
    POWERCRUD_WEBHOOK_SECRET: "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
    POWERCRUD_NOTIFY_TIMEOUT_MS: "11000",
    POWERCRUD_NOTIFY_MAX_TRIES: "12",
    POWERCRUD_SEED_CITIES: "8",
  };
  expect(Object.values(VARIABLES).map(({ name }) => name)).toEqual(Object.keys(env));
  expect(Object.values(loadConfig(env, VARIABLES))).toEqual([
    "::1",
    0,
    ["https://app.example.com", "http://localhost:5173"],
    ["api.example.com", "[::1]"],
    600,
    61,
    62,
    1,
    "required",
    "0123456789abcdef0123456789abcdef",
    "https://login.example.com/keys",
    "https://login.example.com/",
    "powercrud",
    "true",
    "false",
    "true",
    "documents",
    true,
    false,
    "postgresql://user:secret@host:5432/database",
    "rediss://user:secret@host:6380/1",
    "ours:",
    "redis",
    "prisma",
    "/var/lib/powercrud",
    "debug",
    false,
    9464,
    "10.0.0.7",
    13,
    14,
    1500,
    20,
    false,
    1,
    2,
    5,
    6,
    7,
    8000,
    4,
    "sync",
    3,
    5,
    6000,
    9,
    5000,
    5001,
    10,
    9_000_000,
    7,
    "https://app.example.com/tasks/{id}",
    "smtp://user:password@mail.example.com:2525",
    "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
    11_000,
    12,
    8,
  ]);
});

test("the config is frozen, and other programs' variables are ignored", () => {
  const config = loadConfig({ PATH: "/bin", PGHOST: "x" }, SERVICE_VARIABLES);
  expect(Object.isFrozen(config)).toBe(true);
  expect(config).not.toHaveProperty("seedCities");
});

test("empty and blank count as not set, and blanks around a value are removed", () => {
  expect(loadConfig({ PORT: "", HOST: "  ", POWERCRUD_LEASE_MS: " 900 " }, VARIABLES)).toMatchObject({
    port: 4000,
    host: "127.0.0.1",
    leaseMs: 900,
  });
});

test("all problems are reported together, one line each", () => {
  expect(problemsOf({ PORT: "70000", POWERCRUD_ASYNC_ENABLED: "yes", POWERCRUD_LOG_LEVL: "info" })).toEqual([
    "POWERCRUD_LOG_LEVL is not a known variable; did you mean POWERCRUD_LOG_LEVEL?",
    'PORT must be a whole number from 0 to 65535, but is "70000"',
    'POWERCRUD_ASYNC_ENABLED must be true or false, but is "yes"',
  ]);
});

describe("refused", () => {
  test.each([
    ["PORT", "-1"],
    ["PORT", "4e3"],
    ["PORT", "4000.5"],
    ["POWERCRUD_CHUNK_RECORDS", "0"],
    ["POWERCRUD_CHUNK_RECORDS", "50001"],
    ["POWERCRUD_LOG_LEVEL", "verbose"],
    ["POWERCRUD_SEED_CITIES", "many"],
    ["POWERCRUD_SEED_CITIES", "-5"],
    ["POWERCRUD_REDIS_KEY_PREFIX", "my app:"],
    ["POWERCRUD_REDIS_KEY_PREFIX", "app{1}:"],
    ["POWERCRUD_REDIS_KEY_PREFIX", "app*"],
    ["POWERCRUD_REDIS_KEY_PREFIX", "app[1]?"],
    ["POWERCRUD_REDIS_KEY_PREFIX", "a".repeat(101)],
    ["DATABASE_URL", "localhost:5432/x"],
    ["DATABASE_URL", "mysql://host/x"],
  ])("%s=%s", (name, value) => {
    const problems = problemsOf({ [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name} must be .+, but is `));
  });

  test("a connection string is never repeated, since it holds a password", () => {
    expect(problemsOf({ DATABASE_URL: "mysql://user:secret@host/x" }).join("\n")).not.toContain("secret");
  });

  test("for a name without a similar one, the message points to the documentation", () => {
    expect(problemsOf({ POWERCRUD_QQQQQQQQ: "1" })).toEqual([
      "POWERCRUD_QQQQQQQQ is not a known variable; see docs/configuration.md",
    ]);
  });
});
