import type { LaunchPlan } from "./chaos-plan.ts";

/** A bulk mutation as a client sends it. */
export interface BulkMutation {
  /** The mutation's field in the answer. */
  readonly field: string;
  readonly query: string;
  readonly variables: Record<string, unknown>;
}

/** Above the ids of GeoNames and of single creates. Each launch has that many ids. */
const FIRST_NEW_ID = 1_100_000_000;
const IDS_PER_LAUNCH = 10_000;
/** In a launch with gaps, every record at this interval violates the table's limit of `population`. */
const REFUSED_EVERY = 1000;
const TOO_MANY_PEOPLE = 900_000_001;

/** The launch's operation and selection. */
interface LaunchContext {
  readonly cityIds: readonly number[];
  readonly plan: LaunchPlan;
  /** Its place among the launches. */
  readonly at: number;
  /** The place of an earlier launch that created cities, for one that deletes them. */
  readonly createdAt: number;
  /** What is written into `notes`. */
  readonly mark: string;
  /** Where new cities are. */
  readonly latitude: number;
}

/** The mutation of a launch. A deletion selects the records of an earlier launch of creates, even if they do not exist. */
export function bulkMutationOf(context: LaunchContext, options: object): BulkMutation {
  const { plan, at, createdAt, mark } = context;
  switch (plan.operation) {
    case "UPDATE":
      return mutation("bulkUpdateCities", options, {
        selection: ["CitySelection!", selectionOf(context)],
        data: ["CityBulkUpdateInput!", { population: { increment: plan.increment }, notes: { set: mark } }],
      });
    case "UPDATE_EACH":
      return mutation("bulkUpdateEachCities", options, {
        records: [
          "[CityUpdateEachInput!]!",
          idsOf(context).map((id) => ({ id: String(id), data: { notes: mark } })),
        ],
      });
    case "UPSERT":
      return mutation("bulkUpsertCities", options, {
        records: [
          "[CityUpsertInput!]!",
          [...idsOf(context), ...newIdsOf(at, plan.size)].map((id) => ({
            id: String(id),
            create: newCity(context, id),
            update: { notes: mark },
          })),
        ],
      });
    case "CREATE":
      return mutation("bulkCreateCities", options, {
        data: ["[CityBulkCreateInput!]!", newIdsOf(at, plan.size).map((id) => newCity(context, id))],
      });
    case "DELETE":
      return mutation("bulkDeleteCities", options, {
        selection: ["CitySelection!", { ids: newIdsOf(createdAt, plan.size).map(String) }],
      });
  }
}

function mutation(
  field: string,
  options: object,
  args: Readonly<Record<string, readonly [type: string, value: unknown]>>,
): BulkMutation {
  const names = Object.keys(args);
  const declared = names.map((name) => `$${name}: ${args[name]?.[0]}`).join(", ");
  const given = names.map((name) => `${name}: $${name}`).join(", ");
  return {
    field,
    query: /* GraphQL */ `
      mutation (${declared}, $options: BulkOptions!) {
        ${field}(${given}, options: $options) {
          ... on TaskLaunched {
            task {
              id
            }
          }
          ... on Error {
            code
            message
          }
        }
      }
    `,
    variables: { options, ...Object.fromEntries(names.map((name) => [name, args[name]?.[1]])) },
  };
}

function selectionOf(context: LaunchContext): object {
  const { plan, cityIds } = context;
  const part = partOf(context);
  return plan.stride === 1
    ? { where: { id: { gte: part[0], lte: part.at(-1) ?? cityIds[0] } } }
    : { ids: idsOf(context).map(String) };
}

function idsOf(context: LaunchContext): readonly number[] {
  return partOf(context).filter((_, at) => at % context.plan.stride === 0);
}

function partOf({ cityIds, plan: { from, size } }: LaunchContext): readonly number[] {
  const start = Math.floor((from / 1000) * cityIds.length);
  return cityIds.slice(start, start + size);
}

function newIdsOf(at: number, size: number): readonly number[] {
  return Array.from(
    { length: Math.min(size, IDS_PER_LAUNCH) },
    (_, i) => FIRST_NEW_ID + at * IDS_PER_LAUNCH + i,
  );
}

function newCity({ mark, plan, latitude }: LaunchContext, id: number): object {
  const isRefused = plan.stride > 1 && id % REFUSED_EVERY === REFUSED_EVERY - 1;
  return {
    id,
    name: mark,
    countryCode: "FR",
    population: isRefused ? TOO_MANY_PEOPLE : 1,
    latitude,
    longitude: 0,
    notes: mark,
  };
}
