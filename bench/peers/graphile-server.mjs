// PostGraphile on DATABASE_URL, set up for production. Prints `ready http://…`.
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const service = makePgService({
  connectionString: process.env.DATABASE_URL,
  schemas: ["public"],
  // As many as the bench has connections, so no request waits for one.
  poolConfig: { max: 20 },
});
const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [service],
  grafserv: { graphiql: false, watch: false },
  grafast: { explain: false },
});
const server = createServer();
await instance.createServ(grafserv).addTo(server);
server.listen(0, "127.0.0.1", () => console.log(`ready http://127.0.0.1:${server.address().port}`));
process.once("SIGTERM", () => process.exit());
