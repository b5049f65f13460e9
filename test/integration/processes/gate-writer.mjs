// Enters the gate in a transaction, writes record 1, says so, and commits once it gets to run again.
import pg from "pg";

const [databaseUrl, verb] = process.argv.slice(2);
const client = new pg.Client({ connectionString: databaseUrl });
client.on("error", () => undefined);
await client.connect();
await client.query("BEGIN");
await client.query(
  verb === "guard"
    ? "SELECT * FROM powercrud.guard_record('Thing', '1', '')"
    : "SELECT powercrud.enter_locks(ARRAY['Thing'], true)",
);
await client.query("UPDATE thing SET name = 'written in the gate' WHERE id = 1");
process.send("in the gate");
// The parent stops this process here; it goes on only when it is resumed.
await new Promise((resume) => setTimeout(resume, 2000));
await client.query("COMMIT").then(
  () => process.send("committed"),
  (error) => process.send(`refused: ${error.message}`),
);
process.disconnect();
await client.end().catch(() => undefined);
