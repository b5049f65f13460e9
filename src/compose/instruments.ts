import type { Metrics } from "../adapters/metrics/create-metrics.ts";
import { createMetrics, sizesOf } from "../adapters/metrics/create-metrics.ts";
import { readBacklog } from "../adapters/postgres/tasks/backlog.ts";
import { createOpenTelemetry } from "../adapters/telemetry/open-telemetry.ts";
import type { Config } from "../config/config.ts";
import type { TaskFeedPorts } from "../core/events/feed-options.ts";
import type { Audit } from "../kernel/audit.ts";
import { createAudit } from "../kernel/audit.ts";
import type { Logger } from "../kernel/logger.ts";
import { createSilentLogger } from "../kernel/logger.ts";
import type { Tracing } from "../kernel/tracing.ts";
import type { Service } from "../kernel/service.ts";
import { createMetricsServer } from "../server/metrics-server.ts";
import type { SweeperOptions } from "../worker/create-sweeper.ts";
import type { ConnectedModels } from "./connect-models.ts";
import type { Engine, EngineOptions } from "./engine.ts";
import { scopedLogger } from "./scoped-logger.ts";
import { watchEngine } from "./watch-engine.ts";

/** What looks on at a process for its operators: the metrics, the audit log and the traces. */
export interface Instruments {
  /** For the server. */
  readonly server: { readonly metrics: Metrics; readonly tracing: Tracing; readonly audit: Audit };
  /** For the engine. */
  readonly engine: Required<Pick<EngineOptions, "watch" | "onSettled" | "onPromoted" | "tracing">>;
  /** For the feed of task events. */
  readonly onEvent: NonNullable<TaskFeedPorts["onEvent"]>;
  /** For the sweeper. */
  readonly onSwept: NonNullable<SweeperOptions["onSwept"]>;
  /** What serves the metrics, if they have an address. */
  readonly services: readonly Service[];
}

/**
 * @param options without a logger, there is no audit log
 * @param parts are looked at once the process runs
 */
export function createInstruments(
  options: {
    readonly config: Pick<
      Config,
      "isAudited" | "metricsHost" | "metricsPort" | "allowedOrigins" | "allowedHosts"
    >;
    readonly logger?: Logger;
    readonly auditLogger?: Logger;
  },
  parts: () => {
    readonly engine: Engine;
    readonly connected: ConnectedModels;
    readonly feed: { readonly subscriberCount: () => number };
  },
): Instruments {
  const { config, logger = createSilentLogger(), auditLogger = options.logger } = options;
  const metrics = createMetrics({
    async backlog() {
      const { deployment, ports } = parts().engine;
      return readBacklog(deployment.session, ports.definitions.kinds);
    },
    pools: () => [parts().engine.deployment.poolUse(), ...parts().connected.poolUses()],
    subscribers: () => parts().feed.subscriberCount(),
  });
  const tracing = createOpenTelemetry();
  const isAudited = auditLogger !== undefined && config.isAudited;
  const audit = isAudited ? createAudit(scopedLogger(auditLogger)) : (): void => undefined;
  return {
    server: { metrics, tracing, audit },
    engine: {
      watch: watchEngine(audit, metrics, tracing),
      onSettled: metrics.settled,
      onPromoted: metrics.lockWait,
      tracing,
    },
    onEvent({ event: { at, type }, task: { trace, kind } }) {
      const now = parts().engine.ports.clock.now();
      metrics.event(Math.max(0, now.getTime() - at.getTime()) / 1000);
      if (trace != null && type !== "PROGRESS") {
        const attributes = { "powercrud.event.type": type, "powercrud.task.kind": kind };
        tracing.moment("event", { attributes, parent: trace });
      }
    },
    onSwept: (summary) => metrics.sweep(sizesOf({ ...summary })),
    services: config.metricsPort === 0 ? [] : [createMetricsServer(metrics, config, { logger, audit })],
  };
}
