// A script: for each of the given settings, a client that launches a task and follows it to its end. Then it ends by itself.
import { createPowerCrud } from "../../../src/index.ts";
import { config, count } from "./counting-config.ts";

const [databaseUrl = "", ...settings] = process.argv.slice(2);
for (const each of settings) {
  const client = await createPowerCrud({
    config,
    databaseUrl,
    role: "client",
    settings: JSON.parse(each) as object,
  });
  await client.start();
  const launched = await client.tasks.launch(count, 3, { mode: "ASYNC" });
  const task = launched.kind === "LAUNCHED" ? launched.task : launched.message;
  process.send?.(typeof task === "string" ? task : (await client.tasks.wait(task)).result);
  await client.stop();
}
process.disconnect();
