// A process with a schedule, for the test that kills it: it kills itself when it has launched a due time, before the
// schedule moves on.
import demoConfig from "../../../powercrud.config.ts";
import { createPowerCrud, defineConfig, defineTask } from "../../../src/index.ts";

/** Its schedule comes every second. */
export const everySecond = defineTask({ kind: "everySecond", run: async () => "done" });
export const scheduledConfig = {
  ...demoConfig,
  tasks: [everySecond],
  schedules: [{ name: "busy", cron: "* * * * * *", task: everySecond }],
};
export const SCHEDULED_SETTINGS = { leaseMs: 1000 };

const [, path, databaseUrl = ""] = process.argv;
if (path === import.meta.filename) {
  const config = defineConfig({
    ...scheduledConfig,
    hooks: { create: () => void process.kill(process.pid, "SIGKILL") },
  });
  await (await createPowerCrud({ config, databaseUrl, settings: SCHEDULED_SETTINGS })).start();
}
