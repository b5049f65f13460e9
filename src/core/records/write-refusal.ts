import type { Model } from "./model.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import type { WriteOutcome } from "./write-outcome.ts";

/** Why nothing is written, as the transaction's decision. */
export interface WriteRefusal {
  readonly rollBack: WriteOutcome;
}

/** The record is not there, or not for the viewer to see. */
export function missing(model: Model, id: string): WriteRefusal {
  return { rollBack: { kind: "MISSING", message: `There is no ${model.name} ${id}.` } };
}

/** The input, or the database's rules, stand against it. */
export function invalid(problems: readonly RecordProblem[]): WriteRefusal {
  const message = problems.map((problem) => problem.message).join(" ");
  return { rollBack: { kind: "INVALID", message, problems } };
}
