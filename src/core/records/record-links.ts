import type { Claim } from "../locks/claim.ts";
import type { Access } from "../access/access.ts";
import type { Model, ModelRegistry, RelationField } from "./model.ts";
import { relationsOf } from "./model.ts";
import type { RecordKey } from "./record-key.ts";
import { formatRecordKey } from "./record-key.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import type { RecordReader } from "./record-reader.ts";
import type { RecordData } from "./record-writer.ts";
import type { RelationChange } from "./relation-change.ts";
import type { Viewer } from "../access/viewer.ts";

/** What looking for linked records takes. */
interface LinkPorts {
  readonly reader: RecordReader;
  readonly access: Access;
}

/** The records that a write links with or unlinks, by relation. */
export interface Links {
  readonly field: RelationField;
  readonly target: Model;
  /** To be linked with: they must be there. */
  readonly wanted: readonly string[];
  readonly all: readonly string[];
  /** Where in the input each of those wanted stands; left out: under the field's name. */
  readonly places?: ReadonlyMap<string, string>;
}

/** From the links that the data names. */
export function linksOf(models: ModelRegistry, model: Model, data: RecordData): readonly Links[] {
  return relationsOf(model).flatMap((field) => {
    const change = data[field.name] as RelationChange | undefined;
    if (change === undefined) {
      return [];
    }
    const target = models.get(field.type);
    const idsOf = (keys: readonly RecordKey[] = []): readonly string[] =>
      keys.map((key) => formatRecordKey(target, key));
    const wanted = [...idsOf(change.add), ...idsOf(change.set)];
    return [{ field, target, wanted, all: [...wanted, ...idsOf(change.remove)] }];
  });
}

/** A link belongs to both of its records, so both are guarded. */
export function claimsOf(model: Model, id: string, links: readonly Links[]): readonly Claim[] {
  const claims = new Map([[model.name, new Set([id])]]);
  for (const { target, all } of links) {
    const ids = claims.get(target.name) ?? new Set();
    claims.set(target.name, new Set([...ids, ...all]));
  }
  return [...claims].map(([name, ids]) => ({ model: name, ids: [...ids] }));
}

/** Records to be linked with that are not there, or not for the viewer to see. */
export async function missingLinks(
  ports: LinkPorts,
  viewer: Viewer,
  links: readonly Links[],
): Promise<readonly RecordProblem[]> {
  const problems: RecordProblem[] = [];
  for (const { field, target, wanted, places } of links) {
    const scope = ports.access.scope(target.name, viewer);
    const found = new Set(
      wanted.length === 0 ? [] : await ports.reader.existingIds(target.name, wanted, scope),
    );
    const missing = wanted.filter((id) => !found.has(id));
    problems.push(...missing.map((id) => noSuchRecord(target, id, places?.get(id) ?? field.name)));
  }
  return problems;
}

function noSuchRecord(target: Model, id: string, field: string): RecordProblem {
  return { code: "CONSTRAINT_VIOLATED", field, message: `${field}: there is no ${target.name} ${id}.` };
}
