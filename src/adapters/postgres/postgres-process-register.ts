import { AppError } from "../../kernel/app-error.ts";
import type { SqlSession } from "../../kernel/sql-session.ts";
import type {
  BackendName,
  ProcessRegister,
  RunningProcess,
  SeenProcess,
} from "../../core/processes/process-register.ts";
import { requiredSession } from "../../core/transactions/required-session.ts";
import type { UnitOfWork } from "../../core/transactions/transaction.ts";
import { ENTER_ALONE } from "./sql/ledger-statements.ts";
import {
  ANNOUNCE_PROCESS,
  CLEAR_HELD_LOCKS,
  FORGET_PROCESSES,
  LIST_PROCESSES,
  MOVE_LOCKS,
  OTHER_BACKENDS,
  READ_BACKEND,
  RESTORE_LOCKS,
  WITHDRAW_PROCESS,
} from "./sql/process-statements.ts";

/** Processes as rows of `powercrud.process`; moves the locks where the first process of a deployment wants them. */
export function createPostgresProcessRegister(options: {
  readonly session: SqlSession;
  readonly unitOfWork: UnitOfWork;
}): ProcessRegister {
  const { session, unitOfWork } = options;
  return {
    enlist: (process, at, silentSince) =>
      unitOfWork.run(async (transaction) => {
        const within = requiredSession(transaction);
        const [current] = await within.query<{ name: BackendName }>(ENTER_ALONE);
        if (current?.name !== process.backend) {
          await moveLocks(within, process.backend, silentSince);
        }
        await within.query(FORGET_PROCESSES, [silentSince]);
        await within.query(ANNOUNCE_PROCESS, columnsOf(process, at));
      }),
    async announce(process, at) {
      await session.query(ANNOUNCE_PROCESS, columnsOf(process, at));
    },
    async withdraw(id) {
      await session.query(WITHDRAW_PROCESS, [id]);
    },
    ...createPostgresProcessReader(session),
  };
}

/** The register for those who take no part in the deployment. */
export function createPostgresProcessReader(session: SqlSession): Pick<ProcessRegister, "backend" | "list"> {
  return {
    async backend() {
      const [current] = await session.query<{ name: BackendName }>(READ_BACKEND);
      if (current === undefined) {
        throw new AppError("INTERNAL", "powercrud.backend has no row");
      }
      return current.name;
    },
    list: (seenSince) => session.query<SeenProcess>(LIST_PROCESSES, [seenSince]),
  };
}

/** Nobody else claims or guards meanwhile. Redis's own table is built by whoever first finds it missing. */
async function moveLocks(session: SqlSession, backend: BackendName, silentSince: Date): Promise<void> {
  const [other] = await session.query<{ id: string; backend: string }>(OTHER_BACKENDS, [
    backend,
    silentSince,
  ]);
  if (other !== undefined) {
    throw new AppError(
      "START_FAILED",
      `This process would keep its locks in ${backend}, but process ${other.id} keeps them in ${other.backend}. ` +
        "All processes of a deployment need the same: set POWERCRUD_BACKEND, or stop the others first.",
    );
  }
  await session.query(MOVE_LOCKS, [backend]);
  await session.query(backend === "redis" ? CLEAR_HELD_LOCKS : RESTORE_LOCKS);
}

function columnsOf(process: RunningProcess, at: Date): readonly unknown[] {
  const { id, role, backend, host, pid, concurrency, startedAt } = process;
  return [id, role, backend, host, pid, concurrency, startedAt, at];
}
