import { Logger, makeWorkerUtils, run } from "graphile-worker";
import type { BareRates } from "./bare-queue.ts";
import type { BenchStores } from "./bench-stores.ts";

/** Jobs added at once by bare graphile-worker, and done by one worker with that many slots. */
export async function bareGraphileRates(
  stores: BenchStores,
  count: number,
  slots: number,
): Promise<BareRates> {
  const logger = new Logger(() => () => undefined);
  const connection = { connectionString: stores.databaseUrl("postgres"), logger };
  const utils = await makeWorkerUtils(connection);
  await utils.migrate();
  const addStart = performance.now();
  await Promise.all(Array.from({ length: count }, (_, number) => utils.addJob("nothing", { number })));
  const addMs = performance.now() - addStart;
  await utils.release();
  let done = 0;
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const start = performance.now();
  const runner = await run({
    ...connection,
    concurrency: slots,
    maxPoolSize: slots + 2,
    noHandleSignals: true,
    taskList: {
      nothing() {
        done += 1;
        if (done === count) {
          end();
        }
      },
    },
  });
  await ended;
  const ms = performance.now() - start;
  await runner.stop();
  return { added: Math.round((count * 1000) / addMs), processed: Math.round((count * 1000) / ms) };
}
