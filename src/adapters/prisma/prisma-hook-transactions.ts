import type { DatabaseFault, HookTransactions } from "../../core/records/hook-transactions.ts";
import type { Model } from "../../core/records/model.ts";
import { setSavepoint } from "../../kernel/savepoint.ts";
import { requiredSession } from "../../core/transactions/transaction.ts";
import { isAppError } from "../../kernel/app-error.ts";
import { toUnavailableError } from "../../kernel/unavailable-error.ts";
import type { PrismaErrorShape } from "./prisma-unavailable.ts";
import { adapterReport } from "./prisma-unavailable.ts";
import type { PrismaTransactions } from "./prisma-unit-of-work.ts";
import { prismaProblem } from "./prisma-problem.ts";
import { typedValue } from "./column-from-json.ts";

/** SQLSTATE of a transaction that can only be rolled back. */
const ABORTED = "25P02";

/** Deadlock, serialization failure, lock not available. */
const LOST_RACES = new Set(["40P01", "40001", "55P03"]);

/** Runs hooks in transactions of the Prisma client. */
export function createPrismaHookTransactions(
  transactions: Pick<PrismaTransactions, "clientOf">,
): HookTransactions {
  return {
    clientOf: (transaction) => transactions.clientOf(transaction),
    async undoable(transaction, work) {
      const session = requiredSession(transaction);
      const savepoint = await setSavepoint(session, "hook");
      try {
        const value = await work();
        await savepoint.keep();
        return value;
      } catch (error) {
        await savepoint.takeBack();
        throw error;
      }
    },
    faultOf,
    typed: typedValue,
  };
}

function faultOf(error: unknown, model: Model): DatabaseFault | undefined {
  if (isAborted(error)) {
    return { kind: "WRONG" };
  }
  if (!isOfPrisma(error)) {
    return undefined;
  }
  const unavailable = toUnavailableError(error);
  if (isAppError(unavailable)) {
    return { kind: "LOST", error: unavailable };
  }
  const lostRace = lostRaceOf(error);
  if (lostRace !== undefined) {
    return { kind: "LOST", error: lostRace };
  }
  const problem = prismaProblem(error, model);
  return problem === undefined ? { kind: "WRONG" } : { kind: "REFUSED", problem };
}

/**
 * Whether the statement failed only because an earlier one did, whose error the app's code swallowed. The error is Prisma's,
 * or the driver's if the service sent the statement.
 */
function isAborted(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return code === ABORTED || adapterReport(error)?.originalCode === ABORTED;
}

/** Checked by name, since the classes are generated with the client. */
function isOfPrisma(error: unknown): error is Error & PrismaErrorShape {
  return error instanceof Error && /^(?:PrismaClient|DriverAdapterError)/.test(error.name);
}

/** The error as the driver would throw it, with the SQLSTATE as its code. */
function lostRaceOf(error: Error & PrismaErrorShape): Error | undefined {
  const state = adapterReport(error)?.originalCode ?? (error.code === "P2034" ? "40001" : "");
  return LOST_RACES.has(state)
    ? Object.assign(new Error(error.message, { cause: error }), { code: state })
    : undefined;
}
