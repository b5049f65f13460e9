// A worker that kills itself in the first hook of a task's end: after the settlement, before any other listener is called.
import demoConfig from "../../../powercrud.config.ts";
import { createPowerCrud, defineConfig, defineTask } from "../../../src/index.ts";

const [databaseUrl = ""] = process.argv.slice(2);
const powercrud = await createPowerCrud({
  config: defineConfig({
    ...demoConfig,
    tasks: [defineTask({ kind: "count", run: async () => ({ counted: 3 }) })],
    hooks: { complete: () => void process.kill(process.pid, "SIGKILL"), cleanup: () => undefined },
  }),
  databaseUrl,
  role: "work",
  settings: { leaseMs: 1000 },
});
await powercrud.start();
process.send?.("ready");
