import { isAppError } from "../../kernel/app-error.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { DatabaseFault, HookTransactions } from "./hook-transactions.ts";
import type { Model } from "./model.ts";
import type { RecordProblem } from "../refusals/problems.ts";

/** Thrown by mistakes in code: their words are not meant for callers. */
const MISTAKES = [TypeError, ReferenceError, RangeError, SyntaxError];

interface FaultPorts {
  readonly transactions: Pick<HookTransactions, "faultOf">;
  readonly logger: Logger;
}

/**
 * What it means for the records that code of the app threw. The message of an error of its own is for the person who
 * asked; anything else is logged, and told as a fault.
 * @throws the error, where it is the transaction's end: the database went away, others won a race
 */
export function problemOfThrown(ports: FaultPorts, model: Model, error: unknown): RecordProblem {
  const fault = faultUnlessLost(ports, model, error);
  if (fault?.kind === "REFUSED") {
    return fault.problem;
  }
  const isMistake = MISTAKES.some((kind) => error instanceof kind);
  if (fault === undefined && error instanceof Error && !isMistake) {
    return { code: "VALIDATION_FAILED", message: error.message };
  }
  ports.logger.error({ err: error, model: model.name }, "the app's code around a write failed");
  return {
    code: "INTERNAL",
    message: `The rules of ${model.name} could not be applied. The details are in the service's log.`,
  };
}

/**
 * What the error tells of the database, if anything.
 * @throws the error, where it is the transaction's end
 */
export function faultUnlessLost(
  { transactions }: Pick<FaultPorts, "transactions">,
  model: Model,
  error: unknown,
): DatabaseFault | undefined {
  if (isAppError(error, "UNAVAILABLE")) {
    throw error;
  }
  const fault = transactions.faultOf(error, model);
  if (fault?.kind === "LOST") {
    throw fault.error;
  }
  return fault;
}
