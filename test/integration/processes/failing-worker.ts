// A worker whose attempt fails, and which says so and then only waits.
import demo from "../../../powercrud.config.ts";
import { createPowerCrud, defineConfig } from "../../../src/index.ts";
import { flaky } from "./flaky-task.ts";

const [databaseUrl = ""] = process.argv.slice(2);
const powercrud = await createPowerCrud({
  config: defineConfig({
    ...demo,
    tasks: [flaky],
    hooks: { start: ({ task }) => void process.send?.(task.id) },
  }),
  databaseUrl,
  role: "work",
});
await powercrud.start();
process.send?.("ready");
