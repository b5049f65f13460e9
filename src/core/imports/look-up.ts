import { visitInTurns } from "../../kernel/turns.ts";
import type { Access } from "../access/access.ts";
import type { Viewer } from "../access/viewer.ts";
import { describeMisfit } from "../records/column-value.ts";
import type { Model, ModelRegistry } from "../records/model.ts";
import { columnsOf } from "../records/model.ts";
import type { NamedRecords } from "../records/named-records.ts";
import { keyTextsOf } from "../records/record-key.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import type { LookedUp } from "./import-columns.ts";
import type { Asked, ImportPage, TextColumn } from "./import-page.ts";

/** What looking records up needs. */
export interface LookUpPorts {
  readonly models: ModelRegistry;
  readonly access: Access;
  readonly named: NamedRecords;
}

/** Finds the records that the page's rows ask for in one look-up, all at once, and puts their keys or ids into the page's columns. */
export async function lookUp(
  ports: LookUpPorts,
  { viewer, model }: { readonly viewer: Viewer; readonly model: Model },
  lookedUp: LookedUp,
  asked: readonly Asked[],
  page: ImportPage,
): Promise<void> {
  const distinct = new Map<string, readonly string[]>();
  const names: (readonly string[] | null | undefined)[] = [];
  await visitInTurns(asked, (row) => {
    names.push(row && row.map((texts) => JSON.stringify(texts)));
    row?.forEach((texts, at) => distinct.set(names.at(-1)?.[at] ?? "", texts));
  });
  const ids = await findIds(ports, viewer, lookedUp, [...distinct]);
  const found = names.map((row, place): readonly string[] | null | undefined => {
    const missing = (asked[place] ?? []).filter((_texts, at) => !ids.has(row?.[at] ?? ""));
    if (missing.length > 0) {
      page.note(place, [missingProblem(model, lookedUp, missing)]);
      return undefined;
    }
    return row && row.map((name) => ids.get(name) ?? "");
  });
  if (lookedUp.isLinks) {
    const links = found.map((row) => (row === undefined ? undefined : JSON.stringify([...new Set(row)])));
    page.texts.set(lookedUp.relation.name, links);
  } else {
    putKeys(ports, model, lookedUp, found, page);
  }
}

function missingProblem(
  model: Model,
  { relation, target, unique: key, parts }: LookedUp,
  missing: readonly (readonly string[])[],
): RecordProblem {
  const header = parts[0]?.column.header ?? relation.apiName;
  const names = key.fields.map(({ apiName }) => apiName).join(" and ");
  const words = missing.map((texts) => texts.map((text) => JSON.stringify(text)).join(", "));
  const message = `${model.apiName}.${header}: there is no ${target.apiName} with ${names} ${words.join(", ")}.`;
  return problem(message, header, "CONSTRAINT_VIOLATED");
}

/** Puts what the relation's foreign key holds for the found records; null: a row refers to none. */
function putKeys(
  { models }: LookUpPorts,
  model: Model,
  { relation, target }: LookedUp,
  found: readonly (readonly string[] | null | undefined)[],
  page: ImportPage,
): void {
  const references = relation.references ?? target.key.map(({ name }) => name);
  for (const [place, name] of relation.foreignKey.entries()) {
    const field = columnsOf(model).find((column) => column.name === name);
    const part = target.key.findIndex((column) => column.name === references[place]);
    const misfit = field && describeMisfit(field, models.enums(), null);
    const texts: TextColumn = found.map((row, at) => {
      if (row === null && field !== undefined && misfit !== undefined) {
        page.note(at, [problem(`${model.apiName}.${field.apiName}: ${misfit}`, field.apiName)]);
      }
      return row && (keyTextsOf(target, row[0] ?? "")[part] ?? null);
    });
    page.texts.set(name, texts);
  }
}

/** The ids of the records, by the texts that ask for them. Halved where the database takes one of the values for none. */
async function findIds(
  ports: LookUpPorts,
  viewer: Viewer,
  lookedUp: LookedUp,
  asked: readonly (readonly [string, readonly string[]])[],
): Promise<ReadonlyMap<string, string>> {
  if (asked.length === 0) {
    return new Map();
  }
  const { target, unique: key } = lookedUp;
  const columns = key.fields.map((_field, part) => asked.map(([, texts]) => texts[part] ?? ""));
  const scope = ports.access.scope(target.name, viewer, "READ");
  const found = await ports.named.find(target, key, columns, scope);
  if ("value" in found) {
    return new Map(
      found.value.flatMap(({ id }, place) => (id === undefined ? [] : [[asked[place]?.[0] ?? "", id]])),
    );
  }
  const ids = await Promise.all(halvesOf(asked).map((half) => findIds(ports, viewer, lookedUp, half)));
  return new Map(ids.flatMap((each) => [...each]));
}

/** Two halves; none of a single item. */
export function halvesOf<T>(items: readonly T[]): readonly (readonly T[])[] {
  const middle = Math.ceil(items.length / 2);
  return items.length < 2 ? [] : [items.slice(0, middle), items.slice(middle)];
}
