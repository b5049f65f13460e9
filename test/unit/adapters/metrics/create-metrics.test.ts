import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import type { Metrics } from "../../../../src/adapters/metrics/create-metrics.ts";
import { createMetrics } from "../../../../src/adapters/metrics/create-metrics.ts";

const DOCS = resolve(import.meta.dirname, "../../../../docs");

function setUp(backlog = () => Promise.resolve([] as never[])): Metrics {
  return createMetrics({
    backlog,
    pools: () => [{ name: "engine", busy: 1, idle: 2, waiting: 3 }],
    subscribers: () => 4,
  });
}

async function namesOf(metrics: Metrics): Promise<string[]> {
  return [...(await metrics.read()).matchAll(/^# TYPE (\w+) (\w+)$/gm)].map((match) => match[1] ?? "");
}

it("docs/operations.md lists each metric, and no other", async () => {
  const guide = await readFile(resolve(DOCS, "operations.md"), "utf8");
  const listed = [...guide.matchAll(/^\| `(powercrud_\w+)`/gm)].map((match) => match[1] ?? "");
  const names = (await namesOf(setUp())).filter((name) => name.startsWith("powercrud_"));
  expect(listed.toSorted()).toEqual(names.toSorted());
});

it("the dashboard asks for metrics that exist, and for each of ours", async () => {
  const dashboard = await readFile(resolve(DOCS, "grafana-dashboard.json"), "utf8");
  const asked = new Set(
    [...dashboard.matchAll(/"expr": "(.*)"/g)]
      .flatMap((match) => match[1]?.match(/\b(?:powercrud|nodejs|process)_\w+/g) ?? [])
      .map((name) => name.replace(/_(bucket|count|sum)$/, "")),
  );
  const names = await namesOf(setUp());
  expect([...asked].filter((name) => !names.includes(name))).toEqual([]);
  expect(names.filter((name) => name.startsWith("powercrud_") && !asked.has(name))).toEqual([]);
});

it("tells the rest while the database is away", async () => {
  const text = await setUp(() => Promise.reject(new Error("away"))).read();
  expect(text).toContain("powercrud_subscribers 4");
  expect(text).toContain('powercrud_pool_waiting{pool="engine"} 3');
});

it("each service has metrics of its own", async () => {
  const [one, other] = [setUp(), setUp()];
  one.launch("bulkUpdate", "launched");
  expect(await one.read()).toContain("powercrud_launches_total{");
  expect(await other.read()).not.toContain("powercrud_launches_total{");
});
