// A script: a client that launches a task, follows it to its end, and ends by itself.
import { createPowerCrud } from "../../../src/index.ts";
import { config, count } from "./counting-config.ts";

const [databaseUrl = "", settings = "{}"] = process.argv.slice(2);
const began = performance.now();
const client = await createPowerCrud({
  config,
  databaseUrl,
  role: "client",
  settings: JSON.parse(settings) as object,
});
await client.start();
const startMs = Math.round(performance.now() - began);
const launched = await client.tasks.launch(count, 3, { mode: "ASYNC" });
if (launched.kind !== "LAUNCHED") {
  throw new Error(launched.message);
}
const { result } = await client.tasks.wait(launched.task);
const stopping = performance.now();
await client.stop();
const stopMs = Math.round(performance.now() - stopping);
process.send?.({ result, startMs, stopMs }, () => process.disconnect());
