import type { BulkOperation } from "../../../core/bulk/record-writer.ts";
import type { DatabaseReport } from "../../../core/records/database-problem.ts";
import { databaseProblem, fieldAtFault } from "../../../core/records/database-problem.ts";
import type { Model } from "../../../core/records/model.ts";
import type { RecordProblem } from "../../../core/refusals/problems.ts";
import type { WrittenValue } from "../../../core/records/value-fault.ts";

/**
 * What a record's values did wrong, read off an error of the pg driver; undefined when the error is not of their making.
 * @param values what was to be written, where it is known which record it is about: then more can be told
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
 * Whether every record would fail the same way, because of a value that the change sets on all: null where there must
 * be something, or a foreign key of one column that leads nowhere. Saves trying each one. Anything else, a foreign
 * key of several columns or what a trigger says, may depend on the record.
 */
export function failsForEveryRecord(error: unknown, model: Model, operation: BulkOperation): boolean {
  const report = error as DatabaseReport;
  const field = fieldAtFault(report, model);
  if (operation.operation !== "UPDATE" || field === undefined) {
    return false;
  }
  const change = operation.change[field];
  const value = change !== undefined && "set" in change ? change.set : undefined;
  // A trigger may raise the same code; only where null was really set is it the change's doing.
  return report.code === "23503" ? value !== undefined : report.code === "23502" && value === null;
}
