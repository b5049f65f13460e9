import { createSilentLogger } from "../../../src/kernel/logger.ts";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkModels } from "./bulk-models.ts";
import type { Answer } from "./models-fixture.ts";
import type { Whole } from "./shape-records.ts";
import { emptying } from "../../support/empty-tables.ts";

/** The arguments of a mutation with their types. */
export type TypedArgs = Readonly<Record<string, readonly [type: string, value: unknown]>>;

/** The models of shape-models.prisma, on a database of their own. */
export interface Shapes extends Omit<BulkFixture, "run"> {
  /** What was logged at start. */
  readonly logged: readonly string[];
  /** Empties all tables; three teams are there. */
  reset(): Promise<void>;
  /** Launches a bulk mutation in its request. */
  run(mutation: string, args: TypedArgs): Promise<Answer>;
  /** Writes one record. @returns it, or the refusal */
  write(verb: string, whole: Whole, args: TypedArgs): Promise<Answer>;
}

export async function createShapes(): Promise<Shapes> {
  const logged: string[] = [];
  const api = await createBulkModels(
    "shape-models.prisma",
    {
      sql: `${LEVELS}${VIEWS}`,
      logger: { ...createSilentLogger(), info: (_fields, message) => void logged.push(message) },
      models: {
        Reading: { access: ({ viewer: { id } }) => (id === "limited" ? { value: { gt: 2 } } : true) },
      },
    },
    "CREATE EXTENSION IF NOT EXISTS citext;",
  );
  return {
    ...api,
    logged,
    async reset() {
      const tables = await api.query(
        `SELECT string_agg(format('%I', relname), ', ') AS names FROM pg_class
          WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> '_prisma_migrations'`,
      );
      await api.query(emptying(tables[0].names, { isIdentityRestarted: true }));
      await api.query(`INSERT INTO "Team" VALUES (1, 'one'), (2, 'two'), (3, 'three')`);
    },
    run: (mutation, args) => api.run(mutation, args, { mode: "SYNC" }),
    async write(verb, whole, args) {
      const names = Object.keys(args);
      const { result } = await api.data(
        `mutation (${names.map((name) => `$${name}: ${args[name]?.[0]}`).join(", ")}) {
           result: ${verb}${whole.model}(${names.map((name) => `${name}: $${name}`).join(", ")}) {
             __typename ... on Error { code message } ... on ValidationError { problems { field message } }
             ... on ${upper(verb)}${whole.model}Payload { ${whole.one} { ${shownOf(whole)} } }
           } }`,
        Object.fromEntries(names.map((name) => [name, args[name]?.[1]])),
      );
      return result[whole.one] ?? result;
    },
  };
}

/** The values in another order than the schema's, as after `ALTER TYPE … ADD VALUE`. */
const LEVELS = `
ALTER TYPE "Level" RENAME TO "OldLevel";
CREATE TYPE "Level" AS ENUM ('low level', 'HIGH', 'mid level');
ALTER TABLE "Grade" ALTER level TYPE "Level" USING level::text::"Level";
ALTER TABLE "Gauge" ALTER level TYPE "Level" USING level::text::"Level";
DROP TYPE "OldLevel";`;

/** Each team has six rows in one, in two kinds of three. */
const VIEWS = `
CREATE VIEW "team stat" AS
  SELECT t.id, CASE WHEN s % 2 = 0 THEN 'even' END AS label, 0.1::real AS share, jsonb_build_object('s', s) AS extra
    FROM "Team" t CROSS JOIN generate_series(1, 6) s;
CREATE VIEW "Blob" AS SELECT jsonb_build_object('s', s) AS extra FROM generate_series(1, 3) s`;

/** `verificationTokens` → `VerificationTokens` */
export const upper = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

/** The fields of a model's records. */
export const shownOf = ({ records: [record] }: Whole): string =>
  `id ${Object.keys(record)
    .filter((name) => name !== "id")
    .join(" ")}`;
