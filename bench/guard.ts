import { PrismaPg } from "@prisma/adapter-pg";
import { createPostgresSideEffects } from "../src/adapters/postgres/effects/postgres-side-effects.ts";
import { createTableShapes } from "../src/adapters/postgres/table-shape.ts";
import { createConstraintCatalog } from "../src/adapters/prisma/constraint-catalog.ts";
import type { PrismaPort } from "../src/adapters/prisma/prisma-client-port.ts";
import { createPostgresRecordReader } from "../src/adapters/postgres/postgres-record-reader.ts";
import { createPrismaRecordWriter } from "../src/adapters/prisma/prisma-record-writer.ts";
import { createPrismaSideEffects } from "../src/adapters/prisma/prisma-side-effects.ts";
import { createPrismaUnitOfWork } from "../src/adapters/prisma/prisma-unit-of-work.ts";
import type { NamedInDatabase } from "../src/adapters/prisma/read-model-registry.ts";
import { readModelRegistry } from "../src/adapters/prisma/read-model-registry.ts";
import powerCrudApp from "../powercrud.config.ts";
import { accessOf, lockScopesOf } from "../src/core/records/model-options.ts";
import { ANONYMOUS } from "../src/core/access/viewer.ts";
import type { WritePorts } from "../src/core/records/write-ports.ts";
import type { WriteRecords } from "../src/core/records/write-record.ts";
import { createWriteRecords } from "../src/core/records/write-record.ts";
import { requiredSession } from "../src/core/transactions/required-session.ts";
import type { UnitOfWork } from "../src/core/transactions/transaction.ts";
import type { SqlSession } from "../src/kernel/sql-session.ts";
import { createSilentLogger } from "../src/kernel/logger.ts";
import type { LockBench } from "./lock-bench.ts";
import { countStatements, openLockBench } from "./lock-bench.ts";
import type { BenchTools } from "./bench-tools.ts";
import type { Measure } from "./measure.ts";
import { inMs, median } from "./statistics.ts";

const ROUNDS = 2000;
const WARM_UPS = 300;

/** Lets everybody pass: an update as it would be without locks. */
const NO_GUARD: WritePorts["locks"] = { guard: () => Promise.resolve({ kind: "GRANTED" }) };
/** Lets everybody pass, too, but not without a round trip to the database: the least that a guard there can cost. */
const EMPTY_GUARD: WritePorts["locks"] = {
  async guard(transaction) {
    await requiredSession(transaction).query("SELECT 1");
    return { kind: "GRANTED" };
  },
};

/** What the guard adds to a single update through Prisma: the use case with it, without it, and with an empty one, in turns. */
export async function measureGuard({ stores, ids }: BenchTools): Promise<readonly Measure[]> {
  const bench = openLockBench(stores);
  const { create, unitOfWork, close } = openWrites(bench, stores.databaseUrl("postgres"));
  try {
    const kinds = [bench.locks, NO_GUARD, EMPTY_GUARD].map((locks) => ({
      writes: create(locks),
      times: [] as number[],
    }));
    for (let round = 0; round < WARM_UPS + ROUNDS; round += 1) {
      // Who goes first finds the row's page cold, so they take turns in that, too.
      for (const at of kinds.keys()) {
        const kind = kinds[(at + round) % kinds.length];
        kind?.times.push(await timeUpdate(kind.writes, String(ids[round]), round));
      }
    }
    const [here = [], bare = [], empty = []] = kinds.map(({ times }) => times.slice(WARM_UPS));
    const added = (times: readonly number[]): readonly number[] =>
      times.map((ms, round) => ms - (bare[round] ?? Number.NaN));
    const claims = [{ model: "City", ids: [String(ids[0])] }];
    const statements = await countStatements(unitOfWork, (transaction) =>
      bench.locks.guard(transaction, claims),
    );
    return [
      {
        name: "single update, p50",
        value: inMs(median(here)),
        floor: `without guard ${inMs(median(bare))}`,
        ratio: median(here) / median(bare),
        target: "-",
      },
      {
        name: `what the guard adds (${statements} SQL), p50`,
        value: inMs(median(added(here))),
        floor: `SELECT 1 in its place ${inMs(median(added(empty)))}`,
        ratio: median(added(here)) / median(added(empty)),
        target: "≤ 0.5 ms",
      },
    ];
  } finally {
    await close();
    await bench.close();
  }
}

async function timeUpdate(writes: WriteRecords, id: string, population: number): Promise<number> {
  const start = performance.now();
  const { kind } = await writes.update({
    model: "City",
    viewer: ANONYMOUS,
    id,
    data: { population },
    shape: { select: { id: true, population: true } },
  });
  if (kind !== "WRITTEN") {
    throw new Error(`the update of ${id} was refused: ${kind}`);
  }
  return performance.now() - start;
}

/** Single writes as the service wires them, by whichever locks. */
interface Writes {
  readonly unitOfWork: UnitOfWork;
  create(locks: WritePorts["locks"]): WriteRecords;
  close(): Promise<void>;
}

function openWrites({ tasks }: LockBench, connectionString: string): Writes {
  const { generated, models: modelOptions = {} } = powerCrudApp;
  const logger = createSilentLogger();
  const adapter = new PrismaPg({ connectionString });
  const client = generated.createClient({ adapter }) as PrismaPort &
    NamedInDatabase & { $disconnect(): Promise<void> };
  const datamodel = generated.getDatamodel();
  const models = readModelRegistry({ datamodel, client, enums: generated.enums }, modelOptions);
  const transactions = createPrismaUnitOfWork({ client, logger });
  const constraints = createConstraintCatalog(client);
  const session: SqlSession = { query: (text, values = []) => client.$queryRawUnsafe(text, ...values) };
  const ports = {
    models,
    access: accessOf(modelOptions),
    reader: createPostgresRecordReader({ session, models, shapes: createTableShapes(session) }),
    logger,
    unitOfWork: transactions,
    writer: createPrismaRecordWriter({ transactions, models, datamodel, constraints }),
    sideEffects: createPrismaSideEffects({
      database: createPostgresSideEffects({ session, shapes: createTableShapes(session), models }),
      transactions,
      models,
    }),
    lockScopes: lockScopesOf(modelOptions),
    tasks,
  };
  return {
    unitOfWork: transactions,
    create: (locks) => createWriteRecords({ ...ports, locks }),
    close: () => client.$disconnect(),
  };
}
