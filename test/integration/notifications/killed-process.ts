// A process of a deployment, for tests that kill it. Says "ready", then launches what its parent sends: a task that tells
// the URL how it ends. Asked to die, it kills itself right after the settlement.
import demoConfig from "../../../powercrud.config.ts";
import { createPowerCrud, defineConfig } from "../../../src/index.ts";
import { WEBHOOK_SECRET } from "./webhook-receiver.ts";

const [databaseUrl = "", url = "", end = ""] = process.argv.slice(2);
const powercrud = await createPowerCrud({
  config: defineConfig({
    ...demoConfig,
    notify: { webhook: { secret: WEBHOOK_SECRET, isPrivateAllowed: true } },
    hooks: end === "dies" ? { complete: () => void process.kill(process.pid, "SIGKILL") } : {},
  }),
  databaseUrl,
  settings: { leaseMs: 1000, notifyTimeoutMs: 1000 },
});
await powercrud.start();
await powercrud.tasks.launchBulk({
  operation: "UPDATE",
  model: "City",
  selection: { ids: ["1"] },
  change: { notes: { set: "x" } },
  viewer: { id: "ann" },
  options: { mode: "SYNC", notify: [{ channel: "WEBHOOK", target: url }] },
});
process.send?.("launched");
