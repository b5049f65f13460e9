import { cpus, totalmem } from "node:os";
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";
import { startBenchService } from "./bench-service.ts";
import { measureBulkUpdate } from "./bulk-update.ts";
import type { BenchTools, Measure } from "./measure.ts";

/** As many records as the design's floors are given for. */
const RECORDS = 100_000;

const service = await startBenchService();
const socket = createClient({
  url: `${service.url.replace(/^http/, "ws")}/graphql`,
  webSocketImpl: WebSocket,
});
try {
  const { rows } = await service.pool.query<{ id: number }>("SELECT id FROM city ORDER BY id LIMIT $1", [
    RECORDS,
  ]);
  const tools: BenchTools = { pool: service.pool, socket, ids: rows.map((row) => row.id), request };
  await printMachine();
  printTable(await measureBulkUpdate(tools));
} finally {
  await socket.dispose();
  await service.stop();
}

async function request<T>(query: string, variables: Record<string, unknown>): Promise<T> {
  const response = await fetch(`${service.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: T; errors?: unknown };
  if (errors !== undefined) {
    throw new Error(JSON.stringify(errors));
  }
  return data;
}

async function printMachine(): Promise<void> {
  const { rows } = await service.pool.query<{ version: string }>(
    "SELECT current_setting('server_version') AS version",
  );
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  console.log(
    `${cpus().length} × ${cpus()[0]?.model ?? "?"}, ${gigabytes} GB; Node ${process.versions.node}, PostgreSQL ${rows[0]?.version ?? "?"}\n`,
  );
}

function printTable(measures: readonly Measure[]): void {
  const lines = measures.map(({ name, value, floor, ratio, target }) => [
    name,
    value,
    floor,
    ratio?.toFixed(2) ?? "-",
    target,
  ]);
  const table = [["measure", "here", "bare stack", "ratio", "target"], ...lines];
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((line) => (line[column] ?? "").length))) ?? [];
  for (const line of table) {
    console.log(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  }
}
