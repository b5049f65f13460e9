import type { Model } from "../../core/records/model.ts";
import { columnsOf as fieldsOf } from "../../core/records/model.ts";
import type { RecordProblem } from "../../core/refusals/problems.ts";
import type { RecordData } from "../../core/records/record-writer.ts";
import type { WrittenValue } from "../../core/records/value-fault.ts";
import type { ConstraintCatalog } from "./constraint-catalog.ts";
import { conventionalColumns } from "./constraint-catalog.ts";
import { prismaProblem, refusedBy } from "./prisma-problem.ts";

/**
 * What the values of a write did wrong; undefined when the error is not of their making. Goes to the catalog over another
 * connection, the write's own transaction being broken; so only for names of the app's own.
 */
export async function refusedWrite(
  catalog: ConstraintCatalog,
  model: Model,
  error: unknown,
  data: RecordData = {},
): Promise<RecordProblem | undefined> {
  const constraint = refusedBy(error);
  const columns = constraint === undefined ? [] : conventionalColumns(model, constraint);
  const columnsOf = columns === undefined ? await catalog.ofTable(model) : () => columns;
  return prismaProblem(error, model, columnsOf, valuesOf(model, data));
}

function valuesOf(model: Model, data: RecordData): readonly WrittenValue[] {
  return fieldsOf(model).flatMap(({ name, nativeType }) =>
    nativeType === undefined ? [] : [{ field: name, nativeType, operator: "set", value: data[name] ?? null }],
  );
}
