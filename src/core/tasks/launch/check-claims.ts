import type { Claim } from "../../locks/claim.ts";
import { mergeClaims } from "../../locks/claim.ts";
import type { ModelRegistry } from "../../records/model.ts";
import { parseRecordId } from "../../records/record-key.ts";
import type { Parsed } from "../../refusals/problems.ts";
import { problem } from "../../refusals/problems.ts";

/**
 * The claims of a definition, with ids in their canonical form and without repeats.
 * @returns a problem for each text that is no id of its model
 * @throws AppError UNKNOWN_MODEL, naming the known ones
 */
export function checkClaims(
  models: Pick<ModelRegistry, "get">,
  claims: readonly Claim[],
): Parsed<readonly Claim[]> {
  const parsed = claims.map((claim) => checkIds(models, claim));
  const problems = parsed.flatMap((each) => ("problems" in each ? each.problems : []));
  return problems.length > 0
    ? { problems }
    : { value: mergeClaims(parsed.flatMap((each) => ("value" in each ? [each.value] : []))) };
}

function checkIds(models: Pick<ModelRegistry, "get">, claim: Claim): Parsed<Claim> {
  const model = models.get(claim.model);
  if (claim.ids === "all") {
    return { value: claim };
  }
  const ids = claim.ids.map((id) => parseRecordId(model, id));
  const problems = ids.flatMap((each) => ("problems" in each ? each.problems : []));
  return problems.length > 0
    ? { problems: problems.map(({ message }) => problem(`The task cannot claim a record: ${message}`)) }
    : { value: { ...claim, ids: ids.flatMap((each) => ("value" in each ? [each.value] : [])) } };
}
