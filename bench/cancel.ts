import { setTimeout as delay } from "node:timers/promises";
import type { BackendName } from "../src/core/processes/process-register.ts";
import { bareBus } from "./bare-bus.ts";
import type { BenchDeployment, BenchEvent } from "./bench-deployment.ts";
import { startBenchDeployment } from "./bench-deployment.ts";
import type { BenchTools } from "./bench-tools.ts";
import { launchBulkUpdate } from "./bulk-launch.ts";
import type { Measure } from "./measure.ts";
import { inQuantiles } from "./statistics.ts";

const CANCELS = 100;
/** A request comes at any moment of a chunk, not just after the one that was heard of. */
const MAX_DELAY_MS = 100;

const CANCEL = /* GraphQL */ `
  mutation ($id: ID!) {
    cancelTask(id: $id) {
      __typename
    }
  }
`;

/** From `cancelTask` sent to an API to CANCEL received from it, of bulk updates of 100,000 that another process runs. */
export async function measureCancel(
  { stores, ids }: BenchTools,
  backend: BackendName,
): Promise<readonly Measure[]> {
  const deployment = await startBenchDeployment(stores, { backend, roles: ["serve", "work"] });
  try {
    const events = deployment.events()[Symbol.asyncIterator]();
    const selection = { where: { id: { lte: ids.at(-1) } } };
    const samples: number[] = [];
    for (let round = 0; samples.length < CANCELS; round += 1) {
      if (round === 2 * CANCELS) {
        throw new Error("most tasks end before they are cancelled");
      }
      await deployment.pool.query("VACUUM city");
      const ms = await timeCancel(deployment, events, selection, `cancel ${round}`);
      samples.push(...(ms === undefined ? [] : [ms]));
    }
    return [
      {
        name: `cancelTask sent to CANCEL received (${samples.length})`,
        value: inQuantiles(samples),
        floor: `bus ${inQuantiles(await bareBus(stores, backend, deployment.pool))}`,
        target: "p99 < 250 ms",
      },
    ];
  } finally {
    await deployment.stop();
  }
}

/** @returns undefined where the task was done before it was cancelled */
async function timeCancel(
  deployment: BenchDeployment,
  events: AsyncIterator<BenchEvent>,
  selection: object,
  label: string,
): Promise<number | undefined> {
  const next = async (): Promise<BenchEvent> => {
    for (;;) {
      const step = await events.next();
      if (step.done === true) {
        throw new Error(`${label}: the subscription ended before the task`);
      }
      if (step.value.task.label === label) {
        return step.value;
      }
    }
  };
  const launching = launchBulkUpdate(deployment, selection, label);
  let event = await next();
  while (event.type !== "PROGRESS" && event.type !== "CLEANUP") {
    event = await next();
  }
  const id = await launching;
  await delay(Math.random() * MAX_DELAY_MS);
  const start = performance.now();
  const cancelling = deployment.request(CANCEL, { id });
  let cancelledAt: number | undefined;
  while (event.type !== "CLEANUP") {
    event = await next();
    cancelledAt ??= event.type === "CANCEL" ? performance.now() : undefined;
  }
  await cancelling;
  return cancelledAt === undefined ? undefined : cancelledAt - start;
}
