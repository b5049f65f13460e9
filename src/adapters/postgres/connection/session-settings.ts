import type { PoolClient } from "pg";
import type { SessionSettings, ViewerSessions } from "../../../core/access/viewer-sessions.ts";
import type { UnitOfWork } from "../../../core/transactions/transaction.ts";
import { requiredSession } from "../../../core/transactions/transaction.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { EarlierStatement } from "./text-query.ts";
import { TextQuery } from "./text-query.ts";

/** $1 names, $2 values. Until the end of the transaction, which for a connection of a pool is the end of the viewer's turn. */
const SET_SETTINGS = `SELECT set_config(name, value, true) FROM unnest($1::text[], $2::text[]) AS setting (name, value)`;

/** $1 names. An empty text where the connection has never had a setting of the name. */
const READ_SETTINGS = `
SELECT name, coalesce(current_setting(name, true), '') AS value FROM unnest($1::text[]) WITH ORDINALITY AS setting (name, at)
 ORDER BY at`;

/** The statement that sets them, for one that is sent together with it. */
export function settingStatement({ names, values }: SessionSettings): EarlierStatement {
  return { text: SET_SETTINGS, values: [names, values] };
}

/** Begins a transaction and sets them in it, in one round trip. */
export function beginWith(
  client: Pick<PoolClient, "query">,
  settings: SessionSettings,
  begin: string,
): Promise<void> {
  const { text, values } = settingStatement(settings);
  return new Promise((resolve, reject) => {
    const onAnswer: TextQuery["callback"] = (error) => (error === null ? resolve() : reject(error));
    client.query(new TextQuery(text, values, undefined, onAnswer, [{ text: begin, values: [] }]));
  });
}

/** Sets them for the rest of the transaction. */
export async function applySettings(session: SqlSession, { names, values }: SessionSettings): Promise<void> {
  await session.query(SET_SETTINGS, [names, values]);
}

/** Sends each statement in a transaction of its own, on behalf of the current viewer. */
export function viewerSession(unitOfWork: UnitOfWork): SqlSession {
  return {
    query: (text, values) =>
      unitOfWork.run((transaction) => requiredSession(transaction).query(text, values)),
  };
}

/** Runs work of the current viewer in a transaction of the engine's, which goes on as nobody's afterwards. */
export async function onBehalfWithin<T>(
  sessions: ViewerSessions,
  session: SqlSession,
  work: () => Promise<T>,
): Promise<T> {
  const settings = sessions.current();
  const before = await session.query<{ name: string; value: string }>(READ_SETTINGS, [settings.names]);
  await applySettings(session, settings);
  // What fails here ends the transaction, or what of it could be undone, and the settings with it.
  const result = await work();
  // The role first: only the one before may have the right to set the others.
  const [names, values] = [before.map(({ name }) => name), before.map(({ value }) => value)];
  await applySettings(session, { names: names.toReversed(), values: values.toReversed() });
  return result;
}
