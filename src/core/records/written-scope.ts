import { andFilters } from "./access.ts";
import type { Write } from "./guarded-write.ts";
import type { Model } from "./model.ts";
import { relationsOf } from "./model.ts";
import type { RecordKey } from "./record-key.ts";
import type { RecordProblem } from "./record-problem.ts";
import type { RecordData } from "./record-writer.ts";
import type { WhereFilter } from "./selection.ts";
import type { WritePorts } from "./write-ports.ts";

/**
 * After the write, still inside its transaction: what was written must be within the viewer's scope, and so must what
 * it refers to.
 * @param keyOf the record's key; made only where there is a scope
 * @returns what is not; undefined when all is well
 */
export async function problemOfScope(
  ports: WritePorts,
  write: Write,
  data: RecordData,
  keyOf: () => RecordKey,
): Promise<RecordProblem | undefined> {
  const { model, transaction } = write;
  for (const { within, problem } of scopeChecks(ports, write, data)) {
    if (
      (await ports.writer.lockForWrite(transaction, model.name, keyOf(), within, undefined)) === undefined
    ) {
      return problem;
    }
  }
  return undefined;
}

function scopeChecks(
  ports: WritePorts,
  { model, request }: Write,
  data: RecordData,
): readonly { readonly within: WhereFilter; readonly problem: RecordProblem }[] {
  const own = ports.access.scope(model.name, request.viewer);
  const references = relationsOf(model).flatMap((field) => {
    const scope = ports.access.scope(field.type, request.viewer);
    const isSet = field.foreignKey.some((name) => data[name] !== undefined && data[name] !== null);
    const [first] = field.foreignKey;
    return scope === undefined || !isSet || first === undefined
      ? []
      : [{ within: { [field.name]: { is: scope } }, problem: foreignProblem(first) }];
  });
  const scope = andFilters(own);
  return scope === undefined
    ? references
    : [...references, { within: scope, problem: outsideProblem(model) }];
}

/** In the words of the database for a key that is not there: the two are not to be told apart. */
function foreignProblem(field: string): RecordProblem {
  return {
    code: "CONSTRAINT_VIOLATED",
    field,
    message: `${field}: there is no record of that key to refer to.`,
  };
}

function outsideProblem(model: Model): RecordProblem {
  return { code: "VALIDATION_FAILED", message: `You may not write a ${model.name} with these values.` };
}
