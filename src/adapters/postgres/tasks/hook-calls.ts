import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { HookCall, HookCalls } from "../../../core/tasks/hook-calls.ts";
import { END_HOOK_CALL, KEEP_HOOK_CALL, TAKE_HOOK_CALLS } from "../sql/hook-calls.ts";

/** The calls of final hooks that have not ended. */
export function createHookCalls(session: SqlSession): HookCalls {
  return {
    async keepHookCall({ taskId, step }, at) {
      return (await session.query(KEEP_HOOK_CALL, [taskId, step, at])).length > 0;
    },
    async endHookCall({ taskId, step }) {
      await session.query(END_HOOK_CALL, [taskId, step]);
    },
    async takeHookCalls({ at, silentSince, steps, ofKinds, limit }) {
      const kinds = ofKinds.map(({ kind }) => kind);
      const theirs = ofKinds.map(({ step }) => step);
      const values = [at, silentSince, steps, kinds, theirs, limit];
      return session.query<HookCall>(TAKE_HOOK_CALLS, values);
    },
  };
}
