import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import demoConfig from "../../../powercrud.config.ts";
import type { FinalContext } from "../../../src/index.ts";
import { createPowerCrud, defineConfig, defineTask } from "../../../src/index.ts";
import { withDeadline } from "../../support/deadline.ts";
import { createTestDatabase } from "../../support/test-database.ts";

it("a process that is killed between the settlement and its hooks leaves the calls to another one", async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const calls: unknown[][] = [];
  const note =
    (name: string) =>
    ({ id, result }: FinalContext) =>
      void calls.push([name, id, result]);
  const api = await createPowerCrud({
    config: defineConfig({
      ...demoConfig,
      tasks: [defineTask({ kind: "count", hooks: { cleanup: note("its own") }, run: async () => null })],
      hooks: { complete: [note("first"), note("second")], cleanup: note("cleanup") },
    }),
    databaseUrl: database.url,
    role: "serve",
    settings: { leaseMs: 1000 },
  });
  await api.start();
  onTestFinished(() => api.stop());
  const worker = fork(join(import.meta.dirname, "worker-with-hooks.ts"), [database.url], {
    execArgv: ["--import", "tsx"],
  });
  onTestFinished(() => void worker.kill("SIGKILL"));
  await withDeadline(once(worker, "message"), 50_000, "the worker to start");
  const launched = await api.tasks.launch("count", null);
  const id = launched.kind === "LAUNCHED" ? launched.task.id : launched.message;
  const [, signal] = await withDeadline(once(worker, "exit"), 20_000, "the death of the worker");
  expect(signal).toBe("SIGKILL");
  expect(await api.tasks.get(id)).toMatchObject({ status: "SUCCEEDED", attempt: 1 });
  await expect
    .poll(() => calls)
    .toEqual([
      ["first", `${id}:complete`, { counted: 3 }],
      ["second", `${id}:complete`, { counted: 3 }],
      ["cleanup", `${id}:cleanup`, { counted: 3 }],
      ["its own", `${id}:cleanup`, { counted: 3 }],
    ]);
  expect((await api.tasks.sweep()).summary.hooks).toEqual([]);
});
