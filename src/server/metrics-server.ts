import { createServer } from "node:http";
import type { Logger } from "../kernel/logger.ts";
import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import { sendRefusal } from "./http-messages.ts";
import { listen } from "./listen.ts";
import { pathOf } from "./request-router.ts";

/** Metrics as text. */
interface MetricsText {
  readonly contentType: string;
  read(): Promise<string>;
}

const SETTINGS = { host: "POWERCRUD_METRICS_HOST", port: "POWERCRUD_METRICS_PORT" };

/** Serves `/metrics` at an address of its own, which asks nobody for a key. Its start rejects with AppError START_FAILED. */
export function createMetricsServer(
  metrics: MetricsText,
  { metricsHost: host, metricsPort }: { readonly metricsHost: string; readonly metricsPort: number },
  logger: Logger,
): Service {
  const server = createServer((request, response) => {
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
