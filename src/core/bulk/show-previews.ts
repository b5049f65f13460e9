import type { Access, WhereFilter } from "../access/access.ts";
import { NOTHING } from "../access/access.ts";
import type { Viewer } from "../access/viewer.ts";
import type { ViewerSessions } from "../access/viewer-sessions.ts";
import { filterKey } from "../events/record-announcement.ts";
import { isReadable } from "../records/field-switches.ts";
import type { Field, Model, ModelRegistry, RelationField } from "../records/model.ts";
import { findModel } from "../records/model.ts";
import type { RecordReader } from "../records/record-reader.ts";
import type {
  KeptPreview,
  Preview,
  PreviewField,
  PreviewFigures,
  PreviewReader,
  PreviewRecord,
  PreviewValues,
  ShowPreviews,
} from "./preview.ts";

/** What showing previews needs. */
export interface PreviewPorts {
  readonly previews: PreviewReader;
  readonly models: ModelRegistry;
  readonly access: Access;
  readonly reader: Pick<RecordReader, "existingIds">;
  /** Where the database has policies of its own. */
  readonly sessions?: Pick<ViewerSessions, "of" | "as"> | undefined;
}

/** What a viewer may read of a model now. */
interface Sight {
  readonly viewer: Viewer;
  readonly model: Model;
  readonly filter: WhereFilter | undefined;
  /** The filter and the database's policies, as a short text; undefined for one who may read all rows. */
  readonly key: string | undefined;
  /** The fields that the viewer may read, by name. */
  readonly fields: ReadonlyMap<string, Field>;
}

/**
 * Shows of a preview what the viewer may read now, with the rules as they are now:
 * - no field that is hidden, and no preview of a model that the viewer may not read;
 * - of viewers with a row filter, or under the database's policies, records that they may read now. What is not in the database, such as a record that would be
 *   created, can be matched with no filter, so it is shown only if the launching viewer had the same one;
 * - summaries only if all records lie within the viewer's reach: there is no filter, or the launching viewer had the same one;
 * - linked records only as far as the viewer may read them.
 */
export function createShowPreviews(ports: PreviewPorts): ShowPreviews {
  const { models, access, previews, sessions } = ports;
  return async (viewer, tasks, first) => {
    const readable = tasks.flatMap(({ id, model }) => {
      const known = findModel(models, model);
      return known !== undefined && access.isAllowed(known.name, viewer, "READ")
        ? [{ id, model: known.name }]
        : [];
    });
    const kept =
      readable.length === 0 ? new Map<string, KeptPreview>() : await previews.read(readable, first);
    const showOne = async (id: string, model: string): Promise<readonly (readonly [string, Preview])[]> => {
      const preview = kept.get(id);
      return preview === undefined
        ? []
        : [[id, await show(ports, sightOf(ports, viewer, models.get(model)), preview)]];
    };
    const showAll = (): Promise<readonly (readonly (readonly [string, Preview])[])[]> =>
      Promise.all(readable.map(({ id, model }) => showOne(id, model)));
    return new Map((await (sessions === undefined ? showAll() : sessions.as(viewer, showAll))).flat());
  };
}

function sightOf({ access, sessions }: PreviewPorts, viewer: Viewer, model: Model): Sight {
  const fields = model.fields.filter(
    (field) => isReadable(field) && access.isFieldAllowed(model.name, field.name, viewer, "READ"),
  );
  const filter = access.scope(model.name, viewer, "READ");
  const key = filterKey(filter, sessions?.of(viewer).settings);
  return { viewer, model, filter, key, fields: new Map(fields.map((field) => [field.name, field])) };
}

async function show(ports: PreviewPorts, sight: Sight, preview: KeptPreview): Promise<Preview> {
  const isSame = sight.key === undefined || sight.key === preview.readFilter;
  const records = await seenRecords(ports, sight, preview.records, isSame);
  const links = await seenLinks(ports, sight, records, isSame);
  const shownOf = (values: PreviewValues | null): PreviewValues | null =>
    values &&
    Object.fromEntries(
      Object.entries(values).flatMap(([name, value]) => {
        const field = sight.fields.get(name);
        const seen = links.has(name) ? links.get(name)?.(value) : value;
        return field === undefined || seen === undefined ? [] : [[field.apiName, spell(seen, field)]];
      }),
    );
  return {
    fields: isSame ? preview.fields.flatMap((each) => shownField(sight, links, each)) : [],
    records: records.map((record) => ({
      ...record,
      before: shownOf(record.before),
      after: shownOf(record.after),
    })),
  };
}

function shownField(
  { fields }: Sight,
  links: ReadonlyMap<string, SeeLinks>,
  { values, before, after, ...rest }: PreviewField,
): readonly PreviewField[] {
  const field = fields.get(rest.field);
  // A relation whose other end has a filter: its numbers and values tell of records that are out of reach.
  if (field === undefined || links.has(field.name)) {
    return [];
  }
  const figures = (each: PreviewFigures | null): PreviewFigures | null =>
    each && { min: spell(each.min), max: spell(each.max), sum: spell(each.sum) };
  const spelled = values.map(({ value, count }) => ({ value: spell(value, field), count }));
  return [{ ...rest, field: field.apiName, values: spelled, before: figures(before), after: figures(after) }];
}

/** A value in JSON, as the scalars of the API write it. Numbers that JSON has not are texts. */
function spell(value: unknown, field?: Field): unknown {
  if (field?.kind !== "relation" && field?.type === "Json") {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map((item) => spell(item));
  }
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? null : value.toISOString();
  }
  if (value instanceof Uint8Array) {
    return Buffer.from(value).toString("base64");
  }
  const isPlain = value === null || ["string", "boolean"].includes(typeof value) || Number.isFinite(value);
  // oxlint-disable-next-line typescript/no-base-to-string -- only big whole numbers, decimals and numbers that are none are left
  return isPlain ? value : String(value);
}

async function seenRecords(
  { reader }: PreviewPorts,
  { model, filter, key }: Sight,
  records: readonly PreviewRecord[],
  isSame: boolean,
): Promise<readonly PreviewRecord[]> {
  if (key === undefined) {
    return records;
  }
  const there = records.filter(({ before }) => before !== null).map(({ recordId }) => recordId);
  const seen = new Set(there.length === 0 ? [] : await reader.existingIds(model.name, there, filter));
  return records.filter(({ recordId, before }) => (before === null ? isSame : seen.has(recordId)));
}

type SeeLinks = (ids: unknown) => unknown;

/** What is shown of the relations whose other end the viewer may not read as a whole, by name. */
async function seenLinks(
  ports: PreviewPorts,
  { viewer, fields }: Sight,
  records: readonly PreviewRecord[],
  isSame: boolean,
): Promise<ReadonlyMap<string, SeeLinks>> {
  const relations = [...fields.values()].filter((field): field is RelationField => field.kind === "relation");
  const limited = relations.flatMap((field) => {
    const filter = ports.access.scope(field.type, viewer, "READ");
    const isWhole = filter === undefined && (ports.sessions === undefined || isSame);
    return isWhole ? [] : [{ field, filter }];
  });
  const found = limited.map(
    async ({ field: { name, type }, filter }): Promise<readonly [string, SeeLinks]> => {
      const ids = records.flatMap(({ before, after }) => [before?.[name], after?.[name]].flatMap(idsOf));
      const isNone = filter === NOTHING || ids.length === 0;
      const seen = new Set(isNone ? [] : await ports.reader.existingIds(type, ids, filter));
      const isHidden = !ports.access.isAllowed(type, viewer, "READ");
      // A list that was cut is a text.
      return [
        name,
        (value) =>
          isHidden || !Array.isArray(value) ? undefined : idsOf(value).filter((id) => seen.has(id)),
      ];
    },
  );
  return new Map(await Promise.all(found));
}

function idsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [];
}
