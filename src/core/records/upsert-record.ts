import { disagreeingKeys, remedyOfKey } from "./disagreeing-keys.ts";
import { unlessUnavailable } from "./guarded-write.ts";
import type { Model } from "./model.ts";
import type { RecordKey } from "./record-key.ts";
import { formatRecordKey } from "./record-key.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import type { RecordData } from "./record-writer.ts";
import type { WriteOutcome } from "./write-outcome.ts";
import type { WritePorts } from "./write-ports.ts";
import { invalid } from "./write-refusal.ts";
import type { CreateRequest, UpdateRequest, UpsertRequest } from "./write-request.ts";

/** The two writes that an upsert chooses from. */
interface Deeds {
  create(request: CreateRequest): Promise<WriteOutcome>;
  update(request: UpdateRequest): Promise<WriteOutcome>;
}

/**
 * Updates the record where the viewer has one with that key, else creates it: one guarded transaction, chosen by a
 * look beforehand. Where another write came between the look and the deed, the other deed is tried, once.
 *
 * A record out of the viewer's scope counts as none, so the create answers, as it does for every key that is taken.
 */
export function upsertRecord(
  ports: WritePorts,
  deeds: Deeds,
  request: UpsertRequest,
  key: RecordKey,
): Promise<WriteOutcome> {
  const model = ports.models.get(request.model);
  const id = formatRecordKey(model, key);
  const problems = keyProblems(model, request.create, key);
  if (problems.length > 0) {
    return Promise.resolve(invalid(problems).rollBack);
  }
  const { create: created, update: updated, ...told } = request;
  const create = (): Promise<WriteOutcome> => deeds.create({ ...told, data: { ...created, ...key } });
  const update = (): Promise<WriteOutcome> => deeds.update({ ...told, id, data: updated });
  const isThere = async (): Promise<boolean> => {
    const scope = ports.access.scope(model.name, request.viewer);
    return (await ports.reader.existingIds(model.name, [id], scope)).length > 0;
  };
  return unlessUnavailable(ports, async () => {
    if (await isThere()) {
      const outcome = await update();
      return outcome.kind === "MISSING" ? create() : outcome;
    }
    const outcome = await create();
    if (!isRefusedByDatabase(outcome) || !(await isThere())) {
      return outcome;
    }
    const second = await update();
    return second.kind === "MISSING" ? outcome : second;
  });
}

/** Another's create of the same record shows as a broken rule: of the key, or of whichever unique value is looked at first. */
function isRefusedByDatabase(outcome: WriteOutcome): boolean {
  return (
    outcome.kind === "INVALID" && outcome.problems.some((problem) => problem.code === "CONSTRAINT_VIOLATED")
  );
}

/** Key fields in the data of the create that say otherwise than the id. */
function keyProblems(model: Model, data: RecordData, key: RecordKey): readonly RecordProblem[] {
  return disagreeingKeys(model, data, key).map((name): RecordProblem => ({
    code: "VALIDATION_FAILED",
    field: `create.${name}`,
    message: `create.${name} is not what id says. ${remedyOfKey(model, name)}`,
  }));
}
