import { createServer } from "node:http";
import type { Audit } from "../kernel/audit.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import { sendRefusal } from "./http-messages.ts";
import { listen } from "./listen.ts";
import { createOriginPolicy, isLoopback } from "./origin-policy.ts";
import { pathOf } from "./request-router.ts";

/** Metrics as text. */
interface MetricsText {
  readonly contentType: string;
  read(): Promise<string>;
}

const SETTINGS = { host: "POWERCRUD_METRICS_HOST", port: "POWERCRUD_METRICS_PORT" };

/** Where the metrics are served, and which pages may ask for them there. */
interface MetricsSettings {
  readonly metricsHost: string;
  readonly metricsPort: number;
  readonly allowedOrigins: readonly string[];
  /** Count only where the address is a loopback one: Prometheus asks by whatever address a process has. */
  readonly allowedHosts: readonly string[];
}

/** Serves `/metrics` at an address of its own, which asks nobody for a key. Its start rejects with AppError START_FAILED. */
export function createMetricsServer(
  metrics: MetricsText,
  { metricsHost: host, metricsPort, allowedOrigins, allowedHosts }: MetricsSettings,
  { logger, audit }: { readonly logger: Logger; readonly audit: Audit },
): Service {
  const origins = createOriginPolicy({
    listenHost: host,
    allowedOrigins,
    allowedHosts: isLoopback(host) ? allowedHosts : [],
  });
  const server = createServer((request, response) => {
    const refusal = origins.refusalOf(request.headers);
    if (refusal !== undefined) {
      const peer = request.socket.remoteAddress;
      audit({ action: "connect", outcome: "forbidden", reason: "origin", viewerId: null, peer });
      sendRefusal(response, 403, "VALIDATION_FAILED", refusal);
      return;
    }
    if (pathOf(request) !== "/metrics" || request.method !== "GET") {
      sendRefusal(response, 404, "NOT_FOUND", "The metrics are read with GET at /metrics.");
      return;
    }
    metrics.read().then(
      (text) =>
        response
          .writeHead(200, { "content-type": metrics.contentType, "cache-control": "no-store" })
          .end(text),
      (error: unknown) => {
        logger.error({ err: error }, "the metrics could not be read");
        sendRefusal(response, 500, "INTERNAL", "Unexpected error.");
      },
    );
  });
  return createService({
    name: "metrics server",
    async start() {
      const port = await listen(server, host, metricsPort, SETTINGS);
      logger.info({ host, port }, "the metrics are served");
    },
    async stop() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  });
}
