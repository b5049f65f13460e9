import type { SqlSession } from "../../kernel/sql-session.ts";
import type { ProcessRegister, RunningProcess, SeenProcess } from "../../core/processes/process-register.ts";

/** $1-$8 the process's columns in order, $9 now. */
const ANNOUNCE_PROCESS = `
  INSERT INTO powercrud.process (id, role, backend, host, pid, concurrency, kinds, started_at, seen_at)
  VALUES ($1::text, $2::text, $3::text, $4::text, $5::integer, $6::integer, $7::text[], $8::timestamptz, $9::timestamptz)
  ON CONFLICT (id) DO UPDATE SET seen_at = EXCLUDED.seen_at`;

/** $1 id. */
const WITHDRAW_PROCESS = "DELETE FROM powercrud.process WHERE id = $1::text";

/** $1 since. */
const LIST_PROCESSES = `
  SELECT id, role, backend, host, pid, concurrency, kinds, started_at AS "startedAt", seen_at AS "seenAt"
  FROM powercrud.process WHERE seen_at >= $1::timestamptz ORDER BY started_at, id`;

/** $1 since. */
const FORGET_PROCESSES = "DELETE FROM powercrud.process WHERE seen_at < $1::timestamptz";

/** Processes as rows of `powercrud.process`. */
export function createPostgresProcessRegister({
  session,
}: {
  readonly session: SqlSession;
}): ProcessRegister {
  return {
    async enlist(process, at, silentSince) {
      await session.query(FORGET_PROCESSES, [silentSince]);
      await session.query(ANNOUNCE_PROCESS, columnsOf(process, at));
    },
    async announce(process, at) {
      await session.query(ANNOUNCE_PROCESS, columnsOf(process, at));
    },
    async withdraw(id) {
      await session.query(WITHDRAW_PROCESS, [id]);
    },
    list: (seenSince) => session.query<SeenProcess>(LIST_PROCESSES, [seenSince]),
  };
}

function columnsOf(process: RunningProcess, at: Date): readonly unknown[] {
  const { id, role, backend, host, pid, concurrency, kinds, startedAt } = process;
  return [id, role, backend, host, pid, concurrency, kinds, startedAt, at];
}
