import type { Model } from "../../core/records/model.ts";
import type { RecordKey } from "../../core/records/record-key.ts";
import type { Datamodel } from "./read-model-registry.ts";

/** The key as the client's `where` for one record: a composite key goes under its name. */
export function uniqueWhere(datamodel: Datamodel, model: Model, key: RecordKey): Record<string, unknown> {
  const composite = datamodel.datamodel.models[model.name]?.primaryKey;
  return composite ? { [composite.name ?? composite.fields.join("_")]: key } : { ...key };
}
