import pg from "pg";

/** Statements that were sent, by whom. */
export interface StatementCounts {
  /** The engine's own, with its messages. */
  readonly own: number;
  /** BullMQ's. */
  readonly queue: number;
}

type Query = (
  this: pg.Client & { readonly connectionParameters: { readonly application_name?: string } },
  ...args: unknown[]
) => unknown;

/** Counts the statements of this process' connections from now on, by the names of the connections. */
export function countStatements(): { stop(): StatementCounts } {
  const counts = { own: 0, queue: 0 };
  const prototype = pg.Client.prototype as unknown as { query: Query };
  const { query } = prototype;
  prototype.query = function counted(...args) {
    const name = this.connectionParameters.application_name ?? "";
    counts.own += name === "powercrud engine" || name === "powercrud events" ? 1 : 0;
    counts.queue += name === "powercrud queue" ? 1 : 0;
    return query.apply(this, args);
  };
  return {
    stop() {
      prototype.query = query;
      return counts;
    },
  };
}
