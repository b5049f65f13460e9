import type { Claim } from "../locks/claim.ts";
import { mergeClaims } from "../locks/claim.ts";
import type { Access } from "../access/access.ts";
import type { LinkChange, RecordChange } from "../records/change.ts";
import type { Model, ModelRegistry, RelationField } from "../records/model.ts";
import type { RecordReader } from "../records/record-reader.ts";
import type { Viewer } from "../access/viewer.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { BulkTarget, RowPaths, RowsTarget } from "./bulk-request.ts";
import { fieldPath, listedRowPaths } from "./bulk-request.ts";
import { manyToManyOf } from "./bulk-rules.ts";
import { canonicalLinks } from "./check-links.ts";
import type { RowField } from "./row-field.ts";
import { parseRowField } from "./row-field.ts";

/** The records that a write links or unlinks over one relation. */
export interface Links {
  readonly field: RelationField;
  readonly target: Model;
  /** Ids of records to link: they must exist. */
  readonly wanted: readonly string[];
  /** Ids of records to link or to unlink. */
  readonly all: readonly string[];
  /** The path in the input of each record to link. Default: the field's name. */
  readonly places?: ReadonlyMap<string, string>;
}

/** The links that an operation names, for all its records together. */
export function linksOfTarget(
  models: ModelRegistry,
  model: Model,
  target: BulkTarget,
  pathsOf: (operation: RowsTarget["operation"], at: number) => RowPaths = listedRowPaths,
): readonly Links[] {
  return gatherLinks(models, model, (field, add) => {
    const named = (data: Readonly<Record<string, unknown>>, path: string): void => {
      const change = data[field.name] as LinkChange | undefined;
      if (change !== undefined) {
        add(canonicalLinks(models.get(field.type), change), fieldPath(path, field.name));
      }
    };
    switch (target.operation) {
      case "DELETE":
        return;
      case "UPDATE":
        named(target.change, "");
        return;
      case "CREATE":
        target.records.forEach((data, at) => named(data, pathsOf("CREATE", at).create));
        return;
      case "UPDATE_EACH":
        target.records.forEach(({ data }, at) => named(data, pathsOf("UPDATE_EACH", at).update));
        return;
      case "UPSERT":
        for (const [at, { create, update }] of target.records.entries()) {
          const paths = pathsOf("UPSERT", at);
          named(create, paths.create);
          named(update, paths.update);
        }
    }
  });
}

/** The links that a change names. */
export function linksOfChange(models: ModelRegistry, model: Model, change: RecordChange): readonly Links[] {
  return linksOfTarget(models, model, { operation: "UPDATE", change, selection: { ids: [] } });
}

/** The links in batches. @param isMeant whether to include the links of a record */
export function linksOfBatches(
  models: ModelRegistry,
  model: Model,
  batches: readonly RecordBatch[],
  isMeant: (id: string) => boolean = () => true,
): readonly Links[] {
  return gatherLinks(models, model, (field, add) => {
    for (const { ids, fields, columns } of batches) {
      for (const [at, text] of fields.entries()) {
        const row = parseRowField(text);
        if (row.kind === "LINKS" && row.field === field.name) {
          addColumn(row, columns[at] ?? [], (place) => isMeant(ids[place] ?? ""), add);
        }
      }
    }
  });
}

/**
 * Claims on the linked records: a link belongs to both of its records. Records to link are within the viewer's scope,
 * so the claim has the viewer's lock scope. Records to unlink may be outside of it, so a claim that names any has no
 * lock scope, and meets every claim.
 */
export function claimsOfLinks(
  links: readonly Links[],
  scopeOf: (model: string) => string | undefined,
): readonly Claim[] {
  return mergeClaims(
    links.map(({ target, wanted, all }) => ({
      model: target.name,
      ids: all,
      scope: all.length > wanted.length ? undefined : scopeOf(target.name),
    })),
  );
}

/** The problems of records to link that do not exist, or that the viewer may not see. */
export async function missingLinks(
  ports: { readonly reader: RecordReader; readonly access: Access },
  viewer: Viewer,
  links: readonly Links[],
): Promise<readonly RecordProblem[]> {
  const problems: RecordProblem[] = [];
  for (const { field, target, wanted, places } of links) {
    const scope = ports.access.scope(target.name, viewer, "READ");
    const found = new Set(
      wanted.length === 0 ? [] : await ports.reader.existingIds(target.name, wanted, scope),
    );
    for (const id of wanted.filter((each) => !found.has(each))) {
      const place = places?.get(id) ?? field.name;
      problems.push(problem(`${place}: there is no ${target.apiName} ${id}.`, place, "CONSTRAINT_VIOLATED"));
    }
  }
  return problems;
}

type AddLinks = (change: LinkChange, path: string) => void;

/** @param visit adds the changes of a relation's links, with their paths */
function gatherLinks(
  models: ModelRegistry,
  model: Model,
  visit: (field: RelationField, add: AddLinks) => void,
): readonly Links[] {
  return manyToManyOf(models, model).flatMap((field) => {
    const places = new Map<string, string>();
    const removed = new Set<string>();
    visit(field, ({ add = [], set = [], remove = [] }, path) => {
      for (const id of [...add, ...set]) {
        places.set(id, places.get(id) ?? path);
      }
      remove.forEach((id) => removed.add(id));
    });
    const wanted = [...places.keys()];
    const all = [...new Set([...wanted, ...removed])];
    return all.length === 0 ? [] : [{ field, target: models.get(field.type), wanted, all, places }];
  });
}

function addColumn(
  { field, operator }: Extract<RowField, { kind: "LINKS" }>,
  texts: readonly (string | null)[],
  isMeant: (place: number) => boolean,
  add: AddLinks,
): void {
  for (const [place, text] of texts.entries()) {
    if (text !== null && isMeant(place)) {
      add({ [operator]: JSON.parse(text) as readonly string[] }, field);
    }
  }
}
