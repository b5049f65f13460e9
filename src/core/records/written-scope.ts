import type { Write } from "./guarded-write.ts";
import type { RecordKey } from "./record-key.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import type { RecordData } from "./record-writer.ts";
import { scopeChecks } from "./scope-checks.ts";
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
  const { model, request, transaction } = write;
  const written = Object.keys(data).filter((name) => data[name] !== undefined && data[name] !== null);
  for (const { within, problem } of scopeChecks(ports.access, model, request.viewer, written)) {
    if (
      (await ports.writer.lockForWrite(transaction, model.name, keyOf(), within, undefined)) === undefined
    ) {
      return problem;
    }
  }
  return undefined;
}
