import type { BulkOperation } from "../../../core/bulk/record-writer.ts";
import type { DatabaseReport } from "../../../core/records/database-problem.ts";
import { databaseProblem, fieldAtFault } from "../../../core/records/database-problem.ts";
import type { Model } from "../../../core/records/model.ts";
import type { RecordProblem } from "../../../core/refusals/problems.ts";
import type { WrittenValue } from "../../../core/records/value-fault.ts";

/**
 * Turns an error of the pg driver into a problem of the record; undefined when its values did not cause the error.
 * @param values the values of the record, if the error is about a known one; they make the problem more precise
 */
export function pgProblem(
  error: unknown,
  model: Model,
  values: readonly WrittenValue[] = [],
): RecordProblem | undefined {
  const report = error as Partial<DatabaseReport> | null;
  // The driver names the parts as the neutral report does.
  return typeof report?.code === "string"
    ? databaseProblem(report as DatabaseReport, model, values)
    : undefined;
}

/**
 * Whether every record would fail the same way because of a value that the change sets on all of them: null for a
 * required column, or a foreign key of one column without a target. Then the records need not be tried one by one. Other
 * errors, such as a foreign key of several columns or a trigger's, may depend on the record.
 */
export function failsForEveryRecord(error: unknown, model: Model, operation: BulkOperation): boolean {
  const report = error as DatabaseReport;
  const field = fieldAtFault(report, model);
  if (operation.operation !== "UPDATE" || field === undefined) {
    return false;
  }
  const change = operation.change[field];
  const value = change !== undefined && "set" in change ? change.set : undefined;
  // A trigger may raise the same code, so the change is only to blame if it sets null.
  return report.code === "23503" ? value !== undefined : report.code === "23502" && value === null;
}
