import { EXPORT_VARIABLES } from "./export-variables.ts";
import { isSmtpUrl, isWebhookSecret } from "../core/notifications/notify-config.ts";
import {
  anyText,
  flag,
  hostNames,
  oneOf,
  optionalText,
  origins,
  postgresUrl,
  redisUrl,
  secretText,
  wholeNumber,
} from "./variable.ts";

/** The variables of the service itself. An app's seed may add its own. */
export const SERVICE_VARIABLES = {
  host: anyText({
    name: "HOST",
    meaning: "The address to listen on.",
    expected: "a host name or an IP address",
    fallback: "127.0.0.1",
    fallbackText: "127.0.0.1",
  }),
  port: wholeNumber({
    name: "PORT",
    meaning: "The TCP port to listen on; 0 picks a free one, which the `ready` line names.",
    fallback: 4000,
    min: 0,
    max: 65_535,
  }),
  allowedOrigins: origins({
    name: "POWERCRUD_ALLOWED_ORIGINS",
    meaning:
      "The web origins whose pages may use the service, beside its own. A service on a loopback address also lets pages from loopback in.",
  }),
  allowedHosts: hostNames({
    name: "POWERCRUD_ALLOWED_HOSTS",
    meaning:
      "The host names by which the service answers, besides those of loopback and of the allowed origins, such as the name that a proxy passes on.",
    fallbackText: "on a loopback address none, elsewhere any",
  }),
  rateLimit: wholeNumber({
    name: "POWERCRUD_RATE_LIMIT",
    meaning:
      "The most operations and files in a minute of one viewer, or of one address for callers without a name, in all processes together; 0 for any number.",
    fallback: 0,
    min: 0,
    max: 1_000_000_000,
  }),
  maxFailedSignIns: wholeNumber({
    name: "POWERCRUD_MAX_FAILED_SIGN_INS",
    meaning:
      "The most failed sign-ins of one address in a minute, in all processes together; beyond them, only credentials that were taken lately are let in from there. 0 for any number. Behind a proxy, set POWERCRUD_PROXY_HOPS, too.",
    fallback: 60,
    min: 0,
    max: 1_000_000_000,
  }),
  maxConnectionsPerViewer: wholeNumber({
    name: "POWERCRUD_MAX_CONNECTIONS_PER_VIEWER",
    meaning:
      "The most WebSockets and event streams of one viewer at a time, in each process; 0 for any number.",
    fallback: 1000,
    min: 0,
    max: 1_000_000_000,
  }),
  proxyHops: wholeNumber({
    name: "POWERCRUD_PROXY_HOPS",
    meaning:
      "How many proxies stand in front of the service and add the address of their caller to `X-Forwarded-For`. Without them the header is not believed.",
    fallback: 0,
    min: 0,
    max: 10,
  }),
  auth: oneOf({
    name: "POWERCRUD_AUTH",
    meaning:
      "Whether callers must identify themselves: `none` lets everybody in, `required` refuses strangers, and does not start without a way to authenticate; `auto` is `none` on a loopback address, else `required`. See [security.md](security.md).",
    fallback: "auto",
    words: ["auto", "none", "required"],
  }),
  jwtSecret: secretText({
    name: "POWERCRUD_JWT_SECRET",
    meaning:
      "The secret that JWTs are signed with, for issuers that use HS256, HS384 or HS512. In its place, POWERCRUD_JWKS_URL is for those that use key pairs.",
    expected: "a text of at least 32 characters",
    fallbackText: "none: JWTs are not taken",
    isValid: (text) => text.length >= 32,
  }),
  jwksUrl: optionalText({
    name: "POWERCRUD_JWKS_URL",
    meaning: "Where the issuer of JWTs publishes its keys. They are read again when a token names a new one.",
    expected: "an address such as https://login.example.com/.well-known/jwks.json",
    fallbackText: "none",
    isValid: (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
  }),
  jwtIssuer: optionalText({
    name: "POWERCRUD_JWT_ISSUER",
    meaning: "The `iss` that a JWT must have.",
    expected: "a text",
    fallbackText: "any",
    isValid: () => true,
  }),
  jwtAudience: optionalText({
    name: "POWERCRUD_JWT_AUDIENCE",
    meaning:
      "What the `aud` of a JWT must contain. Without it, tokens that the issuer made for other services are taken, too.",
    expected: "a text",
    fallbackText: "any",
    isValid: () => true,
  }),
  introspection: oneOf({
    name: "POWERCRUD_INTROSPECTION",
    meaning:
      "Whether documents may ask for the schema; `auto`: where authentication is `none`, and where the dashboard is set to `true`, since it is drawn from the schema.",
    fallback: "auto",
    words: ["auto", "true", "false"],
  }),
  graphiql: oneOf({
    name: "POWERCRUD_GRAPHIQL",
    meaning: "Whether browsers get GraphiQL; `auto`: where authentication is `none`.",
    fallback: "auto",
    words: ["auto", "true", "false"],
  }),
  dashboard: oneOf({
    name: "POWERCRUD_DASHBOARD",
    meaning: "Whether the dashboard is at `/dashboard/`; `auto`: where authentication is `none`.",
    fallback: "auto",
    words: ["auto", "true", "false"],
  }),
  persistedDocuments: optionalText({
    name: "POWERCRUD_PERSISTED_DOCUMENTS",
    meaning: "A folder of GraphQL documents (`.graphql`) that clients name by their SHA-256.",
    expected: "a path",
    fallbackText: "none",
    isValid: () => true,
  }),
  isPersistedOnly: flag({
    name: "POWERCRUD_PERSISTED_DOCUMENTS_ONLY",
    meaning: "Whether the documents of that folder are the only ones that are executed.",
    fallback: false,
  }),
  isAutomaticPersisted: flag({
    name: "POWERCRUD_AUTOMATIC_PERSISTED_QUERIES",
    meaning:
      "Whether clients may send a document once and name it by its SHA-256 from then on, as Apollo's clients can.",
    fallback: true,
  }),
  databaseUrl: postgresUrl({
    name: "DATABASE_URL",
    meaning: "The PostgreSQL to use. Without it the service starts a PostgreSQL of its own.",
    fallbackText: "the embedded PostgreSQL in `POWERCRUD_DATA_DIR`",
  }),
  redisUrl: redisUrl({
    name: "REDIS_URL",
    meaning: "The Redis to use; it must not evict keys. A path is the number of its database.",
    fallbackText: "none",
  }),
  redisKeyPrefix: anyText({
    name: "POWERCRUD_REDIS_KEY_PREFIX",
    meaning:
      "The prefix of every key and channel in Redis; deployments that share a Redis need different ones.",
    expected: "1 to 100 characters without white space and without any of {}*?[]",
    fallback: "powercrud:",
    fallbackText: "powercrud:",
    isValid: (text) => /^[^\s{}*?[\]]{1,100}$/.test(text),
  }),
  backend: oneOf({
    name: "POWERCRUD_BACKEND",
    meaning:
      "Where the task queue and the messages are: `redis`, `postgres`, or `auto`, which is Redis if `REDIS_URL` is set and reachable, otherwise PostgreSQL. All processes should use the same queue: tasks from a process with another queue than the workers begin late.",
    fallback: "auto",
    words: ["auto", "redis", "postgres"],
  }),
  reader: oneOf({
    name: "POWERCRUD_READER",
    meaning:
      "What reads the records of queries: `sql`, one statement per field at the root of the document, or `prisma`, Prisma's client as in earlier versions, which the next version will no longer have.",
    fallback: "sql",
    words: ["sql", "prisma"],
  }),
  dataDir: anyText({
    name: "POWERCRUD_DATA_DIR",
    meaning: "The folder of the embedded PostgreSQL: its data, password and log.",
    expected: "a path",
    fallback: ".powercrud",
    fallbackText:
      "`.powercrud` in the project; in `/var/lib/powercrud` when root starts it from a folder that PostgreSQL's own user cannot reach",
  }),
  logLevel: oneOf({
    name: "POWERCRUD_LOG_LEVEL",
    meaning: "The least severe messages to log, as JSON lines on standard error.",
    fallback: "info",
    words: ["debug", "info", "warn", "error", "silent"],
  }),
  isAudited: flag({
    name: "POWERCRUD_AUDIT_LOG",
    meaning:
      "Whether who launched, retried, cancelled, paused or was refused is logged, at every log level but `silent`, in lines with `log: audit`.",
    fallback: true,
  }),
  metricsPort: wholeNumber({
    name: "POWERCRUD_METRICS_PORT",
    meaning:
      "The TCP port of `/metrics` for Prometheus, which asks for no key; 0 serves none. Each process needs one of its own.",
    fallback: 0,
    min: 0,
    max: 65_535,
  }),
  metricsHost: anyText({
    name: "POWERCRUD_METRICS_HOST",
    meaning: "The address that `/metrics` listens on: one that only Prometheus reaches.",
    expected: "a host name or an IP address",
    fallback: "127.0.0.1",
    fallbackText: "127.0.0.1",
  }),
  ...EXPORT_VARIABLES,
  readTimeoutMs: wholeNumber({
    name: "POWERCRUD_READ_TIMEOUT_MS",
    meaning:
      "The most time, in ms, of a statement that reads for a query; a longer one is cancelled, and the query refused.",
    fallback: 10_000,
    min: 10,
    max: 3_600_000,
  }),
  isAsyncEnabled: flag({
    name: "POWERCRUD_ASYNC_ENABLED",
    meaning: "Whether bulk operations may run in the background; if not, each runs within its request.",
    fallback: true,
  }),
  bulkMinAsyncRecords: wholeNumber({
    name: "POWERCRUD_BULK_MIN_ASYNC_RECORDS",
    meaning: "From this number of records on, a bulk operation runs in the background.",
    fallback: 20,
    min: 0,
    max: 1_000_000_000,
  }),
  bulkMaxRecords: wholeNumber({
    name: "POWERCRUD_BULK_MAX_RECORDS",
    meaning: "The most records of one bulk operation; more are refused at launch.",
    fallback: 1_000_000,
    min: 1,
    max: 1_000_000_000,
  }),
  importMaxBytes: wholeNumber({
    name: "POWERCRUD_IMPORT_MAX_BYTES",
    meaning: "The most bytes of a file to import, unpacked.",
    fallback: 2_147_483_648,
    min: 1,
    max: 1_000_000_000_000,
  }),
  importMaxRows: wholeNumber({
    name: "POWERCRUD_IMPORT_MAX_ROWS",
    meaning: "The most rows of a file to import.",
    fallback: 1_000_000,
    min: 1,
    max: 100_000_000,
  }),
  importMaxRowLength: wholeNumber({
    name: "POWERCRUD_IMPORT_MAX_ROW_LENGTH",
    meaning: "The most characters of one row of a file to import.",
    fallback: 1_048_576,
    min: 1,
    max: 67_108_864,
  }),
  importWaitMs: wholeNumber({
    name: "POWERCRUD_IMPORT_WAIT_MS",
    meaning: "How long a task that was made by `createImport` waits for its file, in ms.",
    fallback: 3_600_000,
    min: 1000,
    max: 604_800_000,
  }),
  lockEscalationRecords: wholeNumber({
    name: "POWERCRUD_LOCK_ESCALATION_RECORDS",
    meaning: "A task that claims more records than this locks the whole model instead of each record.",
    fallback: 200_000,
    min: 1,
    max: 1_000_000_000,
  }),
  whenQueueDown: oneOf({
    name: "POWERCRUD_WHEN_QUEUE_DOWN",
    meaning:
      "What happens to a launch while the queue cannot be reached: `error` withdraws it with UNAVAILABLE, `sync` runs the task in the request.",
    fallback: "error",
    words: ["error", "sync"],
  }),
  chunkRecords: wholeNumber({
    name: "POWERCRUD_CHUNK_RECORDS",
    meaning:
      "The most records that a bulk task writes in one transaction. Larger chunks are a little faster; smaller ones show progress and stop sooner.",
    fallback: 5000,
    min: 1,
    max: 50_000,
  }),
  workerConcurrency: wholeNumber({
    name: "POWERCRUD_WORKER_CONCURRENCY",
    meaning: "How many tasks the process runs at a time.",
    fallback: 4,
    min: 1,
    max: 1000,
  }),
  leaseMs: wholeNumber({
    name: "POWERCRUD_LEASE_MS",
    meaning:
      "The time without a heartbeat, in ms, after which the worker of a running task counts as dead and another worker takes the task over.",
    fallback: 10_000,
    min: 500,
    max: 3_600_000,
  }),
  maxAttempts: wholeNumber({
    name: "POWERCRUD_MAX_ATTEMPTS",
    meaning:
      "The most attempts of a task. If the last one does not finish it, the task is settled as FAILED and keeps what it has done; its records are free, and it can be retried. An attempt counts if its worker died, or if it could not reach the database or get its row locks; one that was paused, or handed over by a process that stopped, does not.",
    fallback: 100,
    min: 1,
    max: 1_000_000,
  }),
  maxTaskDurationMs: wholeNumber({
    name: "POWERCRUD_MAX_TASK_DURATION_MS",
    meaning:
      "The longest time of one attempt of a task, in ms. One whose handler or hook has not returned by then is ended as FAILED, and its records are free. A task's own `timeoutMs` may be shorter. The default is a day.",
    fallback: 86_400_000,
    min: 1000,
    max: 2_147_483_647,
  }),
  hookTimeoutMs: wholeNumber({
    name: "POWERCRUD_HOOK_TIMEOUT_MS",
    meaning:
      "How long one call of a hook may take, in ms: those of tasks, and those around the writes of records. A hook of a task that has not returned by then is left behind, and the error TIMED_OUT is logged; `beforeCreate` refuses the launch. One around a write ends that: it is undone, and the mutation, or the task, fails with TIMED_OUT. The default is ten minutes.",
    fallback: 600_000,
    min: 100,
    max: 2_147_483_647,
  }),
  unknownKindWaitMs: wholeNumber({
    name: "POWERCRUD_UNKNOWN_KIND_WAIT_MS",
    meaning:
      "How long a task waits, in ms, for a worker whose config has its kind; then it is settled as FAILED. So workers may be deployed after the processes that launch. The default is an hour.",
    fallback: 3_600_000,
    min: 0,
    max: 604_800_000,
  }),
  taskRetentionMs: wholeNumber({
    name: "POWERCRUD_TASK_RETENTION_MS",
    meaning:
      "How long a settled task is kept, in ms; then it is deleted with its errors, events and idempotency key. The default is 30 days.",
    fallback: 2_592_000_000,
    min: 60_000,
    max: 3_155_760_000_000,
  }),
  progressIntervalMs: wholeNumber({
    name: "POWERCRUD_PROGRESS_INTERVAL_MS",
    meaning: "The least time, in ms, between two progress messages of one task.",
    fallback: 100,
    min: 0,
    max: 60_000,
  }),
  statusPageUrl: optionalText({
    name: "POWERCRUD_STATUS_PAGE_URL",
    meaning:
      "The address of a page of the app that shows a task, with `{id}` for the task's id. Notifications link to it, and tasks that notify by STATUS_PAGE carry it.",
    expected: "an address such as https://app.example.com/tasks/{id}",
    fallbackText: "none",
    isValid: (text) => /^https?:\/\/.*\{id\}/.test(text) && URL.canParse(text.replaceAll("{id}", "1")),
  }),
  smtpUrl: secretText({
    name: "POWERCRUD_SMTP_URL",
    meaning: "The mail server for notifications by e-mail. Wins over `notify.email.smtpUrl` of the config.",
    expected: "an address such as smtps://user:password@mail.example.com",
    fallbackText: "none",
    isValid: isSmtpUrl,
  }),
  webhookSecret: secretText({
    name: "POWERCRUD_WEBHOOK_SECRET",
    meaning:
      "The secret that signs webhooks, as Standard Webhooks wants it. Wins over `notify.webhook.secret` of the config.",
    expected: "`whsec_` and the base64 of 24 to 64 random bytes",
    fallbackText: "none",
    isValid: isWebhookSecret,
  }),
  notifyTimeoutMs: wholeNumber({
    name: "POWERCRUD_NOTIFY_TIMEOUT_MS",
    meaning: "The most time, in ms, of one try to send a notification: an e-mail, a webhook or a callback.",
    fallback: 10_000,
    min: 100,
    max: 600_000,
  }),
  notifyMaxTries: wholeNumber({
    name: "POWERCRUD_NOTIFY_MAX_TRIES",
    meaning:
      "After this many tries that failed, a notification is given up. The default makes them last some 11 hours.",
    fallback: 13,
    min: 1,
    max: 1000,
  }),
};
