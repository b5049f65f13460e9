// A client that reserves cities and says so, until it is killed.
import demo from "../../../powercrud.config.ts";
import { createPowerCrud, defineConfig } from "../../../src/index.ts";

const [databaseUrl = "", id = ""] = process.argv.slice(2);
const client = await createPowerCrud({
  config: defineConfig({ ...demo }),
  databaseUrl,
  role: "client",
  settings: { leaseMs: 1000 },
});
await client.start();
const outcome = await client.tasks.reserve([{ model: "City", ids: [id] }], { viewer: { id: "ghost" } });
process.send?.(outcome.kind === "RESERVED" ? outcome.reservation.id : outcome.message);
