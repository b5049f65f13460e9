import type { HealthCheck } from "../core/health/health-check.ts";
import type { Health } from "../core/health/read-health.ts";
import type { SeenProcess } from "../core/processes/process-register.ts";
import { describedValues } from "./builder.ts";
import type { PowerCrudBuilder, SchemaContributor } from "./builder.ts";

/** Examines the deployment. */
export type ReadHealth = () => Promise<Health>;

/** The query `health` and its types, without details that are for the operator only. */
export function addHealth(readHealth: ReadHealth): SchemaContributor {
  return ({ builder }) => {
    const health = builder.objectRef<Health>("Health");
    const check = defineCheck(builder);
    const process = defineProcess(builder);
    health.implement({
      description: "The health of the deployment, as seen by the process that answers.",
      fields: (t) => ({
        isHealthy: t.exposeBoolean("isHealthy", { description: "Whether no check FAILED." }),
        backend: t.string({
          description: "Where the task queue and the messages are: `redis` or `postgres`.",
          resolve: ({ backend }) => backend.name,
        }),
        backendReason: t.string({
          description: "Why this backend was chosen.",
          resolve: ({ backend }) => backend.reason,
        }),
        checks: t.expose("checks", { type: [check] }),
        workersAlive: t.exposeInt("workersAlive", {
          description: "Processes that run tasks from the queue and announced themselves within a lease.",
        }),
        processes: t.expose("processes", {
          type: [process],
          description: "The processes that announced themselves within a lease, oldest first.",
        }),
      }),
    });
    builder.queryField("health", (t) =>
      t.field({ type: health, description: "Examines the deployment now.", resolve: () => readHealth() }),
    );
  };
}

function defineCheck(builder: PowerCrudBuilder) {
  const status = builder.enumType("HealthStatus", {
    description: "The state of a part of the deployment.",
    values: describedValues({
      OK: "It works.",
      WARNING: "It works, but needs attention.",
      FAILED: "It does not work.",
    }),
  });
  return builder.objectRef<HealthCheck>("HealthCheck").implement({
    description: "A part of the deployment, and its state.",
    fields: (t) => ({
      name: t.exposeString("name"),
      status: t.expose("status", { type: status }),
      message: t.exposeString("message"),
      latencyMs: t.exposeInt("latencyMs", {
        nullable: true,
        description: "How long the check took, in milliseconds.",
      }),
    }),
  });
}

function defineProcess(builder: PowerCrudBuilder) {
  const role = builder.enumType("ProcessRole", {
    description: "What a process does.",
    values: {
      START: { value: "start", description: "API and worker." },
      SERVE: { value: "serve", description: "The API alone." },
      WORK: { value: "work", description: "A worker alone." },
    } as const,
  });
  return builder.objectRef<SeenProcess>("ServiceProcess").implement({
    description: "A process of the deployment.",
    fields: (t) => ({
      id: t.exposeID("id"),
      role: t.expose("role", { type: role }),
      concurrency: t.exposeInt("concurrency", { description: "How many tasks it runs at a time." }),
      startedAt: t.expose("startedAt", { type: "DateTime" }),
      seenAt: t.expose("seenAt", { type: "DateTime" }),
    }),
  });
}
