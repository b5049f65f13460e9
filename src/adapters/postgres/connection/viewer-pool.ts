import type pg from "pg";
import type { SessionSettings } from "../../../core/access/viewer-sessions.ts";
import { applySettings, beginWith } from "./session-settings.ts";
import { createPgSession } from "./pg-session.ts";

/** The part of pg's client that a driver adapter uses. */
type Send = (statement: unknown, ...rest: unknown[]) => Promise<unknown>;

/** Begins a transaction. */
const BEGIN = /^\s*BEGIN\b/i;
/** May stand before its first statement, or ends it, even one that has failed. */
const OUTER = /^\s*(?:BEGIN|SET TRANSACTION|COMMIT|ROLLBACK)\b/i;

/**
 * The same pool for a client of Prisma, with a viewer's settings in every transaction. A statement outside of one gets one of its
 * own. Whoever ends it, or listens to it, does not reach the pool.
 */
export function viewerPool(pool: pg.Pool, settings: SessionSettings): pg.Pool {
  const own: Readonly<Record<string, unknown>> = {
    connect: async () => viewerClient(await pool.connect(), settings),
    query: (...sent: Parameters<Send>) =>
      inTransaction(pool, settings, (client) => (client.query as Send)(...sent)),
    end: () => Promise.resolve(),
    on: () => undefined,
    removeListener: () => undefined,
  };
  return overlaid(pool, own);
}

/** Sets the settings before the first statement of each transaction. */
function viewerClient(client: pg.PoolClient, settings: SessionSettings): pg.PoolClient {
  const send: Send = (client.query as Send).bind(client);
  const session = createPgSession(client);
  let isSet = false;
  const query: Send = async (...sent) => {
    const [statement] = sent;
    const text = typeof statement === "string" ? statement : (statement as { readonly text: string }).text;
    isSet &&= !BEGIN.test(text);
    if (!isSet && !OUTER.test(text)) {
      await applySettings(session, settings);
      isSet = true;
    }
    return send(...sent);
  };
  return overlaid(client, { query });
}

async function inTransaction<T>(
  pool: pg.Pool,
  settings: SessionSettings,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let lost: Error | undefined;
  try {
    await beginWith(client, settings, "BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch((fault: Error) => void (lost = fault));
    throw error;
  } finally {
    client.release(lost);
  }
}

/** The object with other members in the place of some. The others work on the object itself. */
function overlaid<Target extends object>(target: Target, own: Readonly<Record<string, unknown>>): Target {
  return new Proxy(target, {
    get(_target, name) {
      if (typeof name === "string" && Object.hasOwn(own, name)) {
        return own[name];
      }
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
}
