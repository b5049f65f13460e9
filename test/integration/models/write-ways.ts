import { expect } from "vitest";
import { ANONYMOUS } from "../../../src/index.ts";
import type { BulkFixture } from "./bulk-fixture.ts";
import type { Answer } from "./models-fixture.ts";

/** A refusal as the caller sees it. */
export interface Refusal {
  readonly code: string;
  readonly field: string | null;
  readonly message: string;
}

/** The selected fields of a refusal. */
export const FIELDS = `__typename ... on Error { code message } ... on ValidationError { problems { code field message } }`;

/** The refusal of a mutation's answer, or of a settled task's first error. */
export function refusalOf(answer: Answer): Refusal {
  const first = answer.problems?.[0] ?? answer.errors?.[0];
  const { code = "NONE", field = null, message } = first ?? answer;
  // A message may begin with the field's name and its index in the list.
  const prefix = `${field}: `;
  return {
    code,
    field: field === null ? null : field.replace(/^(?:data|records)\.0\.(?:data\.)?/, ""),
    message: message.startsWith(prefix) ? message.slice(prefix.length) : message,
  };
}

/** A single write beside the same write in bulk. */
export interface Way {
  single(data: object, viewer?: string): Promise<Answer>;
  bulk(data: object, viewer?: string): Promise<Answer>;
}

interface Names {
  readonly one: string;
  readonly many: string;
  /** The other required fields of a new record. */
  readonly fresh: object;
}

/** Every way to write values to a record of the model: a new one, or that with the id 1. */
export function waysOf(world: () => BulkFixture, { one, many, fresh }: Names): Readonly<Record<string, Way>> {
  const viewerOf = (id?: string): typeof ANONYMOUS => ({ ...ANONYMOUS, id: id ?? null });
  const single = async (
    call: string,
    declared: string,
    variables: object,
    viewer?: string,
  ): Promise<Answer> =>
    (
      await world().data(
        `mutation (${declared}) { it: ${call} { ${FIELDS} } }`,
        { ...variables },
        viewerOf(viewer),
      )
    ).it;
  const bulk = (call: string, args: Parameters<BulkFixture["run"]>[1], viewer?: string): Promise<Answer> =>
    world().run(`bulk${call}`, args, { mode: "SYNC" }, viewerOf(viewer));
  return {
    create: {
      single: (data, viewer) =>
        single(
          `create${one}(data: $data)`,
          `$data: ${one}CreateInput!`,
          { data: { ...fresh, ...data } },
          viewer,
        ),
      bulk: (data, viewer) =>
        bulk(`Create${many}`, { data: [`[${one}BulkCreateInput!]!`, [{ ...fresh, ...data }]] }, viewer),
    },
    update: {
      single: (data, viewer) =>
        single(`update${one}(id: "1", data: $data)`, `$data: ${one}UpdateInput!`, { data }, viewer),
      bulk: (data, viewer) =>
        bulk(
          `Update${many}`,
          {
            selection: [`${one}Selection!`, { ids: ["1"] }],
            data: [
              `${one}BulkUpdateInput!`,
              Object.fromEntries(Object.entries(data).map(([name, set]) => [name, { set: set as unknown }])),
            ],
          },
          viewer,
        ),
    },
    "update each": {
      single: (data, viewer) =>
        single(`update${one}(id: "1", data: $data)`, `$data: ${one}UpdateInput!`, { data }, viewer),
      bulk: (data, viewer) =>
        bulk(`UpdateEach${many}`, { records: [`[${one}UpdateEachInput!]!`, [{ id: "1", data }]] }, viewer),
    },
    "upsert of one that is there": {
      single: (update, viewer) =>
        single(
          `upsert${one}(id: "1", create: $create, update: $update)`,
          `$create: ${one}UpsertCreateInput!, $update: ${one}UpsertUpdateInput!`,
          { create: { ...fresh, id: 1 }, update },
          viewer,
        ),
      bulk: (update, viewer) =>
        bulk(
          `Upsert${many}`,
          { records: [`[${one}UpsertInput!]!`, [{ id: "1", create: { ...fresh, id: 1 }, update }]] },
          viewer,
        ),
    },
    "upsert of one that is not": {
      single: (create, viewer) =>
        single(
          `upsert${one}(id: "9", create: $create, update: {})`,
          `$create: ${one}UpsertCreateInput!`,
          { create: { ...fresh, ...create } },
          viewer,
        ),
      bulk: (create, viewer) =>
        bulk(
          `Upsert${many}`,
          { records: [`[${one}UpsertInput!]!`, [{ id: "9", create: { ...fresh, ...create }, update: {} }]] },
          viewer,
        ),
    },
  };
}

/** The answer of both ways, which must be equal. */
export async function sameRefusal({ single, bulk }: Way, data: object, viewer?: string): Promise<Refusal> {
  const refusals = {
    single: refusalOf(await single(data, viewer)),
    bulk: refusalOf(await bulk(data, viewer)),
  };
  expect(refusals.single).toEqual(refusals.bulk);
  return refusals.single;
}
