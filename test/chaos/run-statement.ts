import { Client } from "pg";

/** Runs statements, or several in one text, over a connection of their own. */
export async function runStatement(url: string, statement: string): Promise<void> {
  const client = new Client(url);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
