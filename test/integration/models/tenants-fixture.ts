import { defineTask } from "../../../src/index.ts";
import type { Viewer } from "../../../src/index.ts";
import type { EveryOperation } from "./every-operation-fixture.ts";
import { createEveryOperation } from "./every-operation-fixture.ts";
import { keyOf, sample } from "./every-type-samples.ts";
import type { Values } from "./every-type-samples.ts";
import type { Answer } from "./models-fixture.ts";
import { TENANT_SESSION, TENANT_TABLES, tenantOf, tenantsSql } from "./tenants.ts";

export const A = tenantOf("A");
export const B = tenantOf("B");
/** The others' records have samples from here on. */
export const OTHERS = 15;

/** Two tenants in one database, whose policies keep them apart. Operations are A's, unless they are run as another viewer. */
export interface Tenants {
  readonly world: EveryOperation;
  as<T>(who: Viewer, work: () => Promise<T>): Promise<T>;
  /** Leaves two records of each tenant. @returns the ids of both */
  fillBoth(model: string): Promise<{ own: string[]; others: string[] }>;
  /** The rows of the others, as the database has them. */
  rowsOfOthers(): Promise<Answer[]>;
  /** Writes in bulk. @returns the task's counts, or the refusal */
  bulk(operation: string, model: string, args: Values, options?: object): Promise<Answer>;
  /** How many visits each call of the hook on them saw. */
  readonly hookSees: number[];
}

/** With a filter on places and a hook on visits: then Prisma's transactions are those that write. */
export async function createTenants(): Promise<Tenants> {
  let viewer: Viewer = A;
  const hookSees: number[] = [];
  const world = await createEveryOperation(
    {
      auth: { session: TENANT_SESSION },
      sql: `${tenantsSql()} CREATE POLICY few ON "Place" AS RESTRICTIVE WITH CHECK (count < 1000);`,
      models: {
        Place: { access: { update: () => ({ count: { lt: 1000 } }) } },
        Visit: {
          hooks: {
            beforeUpdate: async (_changes, { prisma }) => void hookSees.push(await touchVisits(prisma)),
          },
        },
      },
      tasks: [defineCensus()],
    },
    () => viewer,
  );
  async function as<T>(who: Viewer, work: () => Promise<T>): Promise<T> {
    viewer = who;
    try {
      return await work();
    } finally {
      viewer = A;
    }
  }
  async function fillBoth(model: string): Promise<{ own: string[]; others: string[] }> {
    const own = await world.fill(model, 2);
    const others = await as(B, async () => {
      const data = [OTHERS, OTHERS + 1].map((at) => ownSample(model, at));
      if (model === "Detail") {
        const products = [OTHERS, OTHERS + 1].map((at) => ownSample("Product", at));
        await world.writeMany("bulkCreate", "Product", { data: products }, 2);
      }
      await world.writeMany("bulkCreate", model, { data }, 2);
      const records = await world.list(model);
      const key = keyOf(model);
      return data.map(
        (given) => records.find((record) => String(record[key]) === String(given[key]))?.id as string,
      );
    });
    return { own, others };
  }
  async function rowsOfOthers(): Promise<Answer[]> {
    const parts = TENANT_TABLES.map(
      (table) => `SELECT to_jsonb(t)::text AS row FROM ${table} t WHERE tenant = 'B'`,
    );
    return world.api.query(`${parts.join(" UNION ALL ")} ORDER BY 1`);
  }
  async function bulk(operation: string, model: string, args: Values, options: object = {}): Promise<Answer> {
    const name = world.bulkName(operation, model);
    const task = await world.api.run(name, world.typed(name, args), options);
    world.executed.add(name);
    return task.progress === undefined ? task : { status: task.status, ...task.progress };
  }
  return { world, as, fillBoth, rowsOfOthers, bulk, hookSees };
}

/** A sample that refers to no other record but a product of the same tenant. */
export function ownSample(model: string, at: number): Values {
  const { categoryId: _category, parentId: _parent, ...values } = sample(model, at);
  return values;
}

async function touchVisits(prisma: unknown): Promise<number> {
  const { visit } = prisma as {
    readonly visit: { updateMany(args: object): Promise<{ readonly count: number }> };
  };
  return (await visit.updateMany({ data: { at: null } })).count;
}

/** Reads with Prisma's client in every way that it has, in the same turn as the first other one. */
function defineCensus() {
  let arrived = 0;
  let bothArrived: () => void = () => undefined;
  const both = new Promise<void>((resolve) => {
    bothArrived = resolve;
  });
  return defineTask({
    kind: "census",
    async run({ prisma }) {
      const client = prisma as Answer;
      arrived += 1;
      if (arrived === 2) {
        bothArrived();
      }
      await both;
      const ids = [1, OTHERS].map((at) => ({ where: { id: BigInt(String(sample("Tag", at)["id"])) } }));
      const [one, other] = await Promise.all(ids.map((where) => client.tag.findUnique(where)));
      const [listed, counted] = await client.$transaction([client.tag.findMany(), client.tag.count()]);
      const within = await client.$transaction((transaction: Answer) => transaction.tag.findMany());
      const labels = (tags: Answer[]): string[] => tags.map(({ label }: Answer) => label);
      return {
        found: labels([one, other].filter(Boolean)),
        listed: labels(listed),
        counted,
        within: labels(within),
      };
    },
  });
}
