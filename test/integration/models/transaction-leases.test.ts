import { afterAll, beforeAll, expect, test } from "vitest";
import type { PrismaTransactions } from "../../../src/adapters/prisma/prisma-unit-of-work.ts";
import { createPrismaUnitOfWork } from "../../../src/adapters/prisma/prisma-unit-of-work.ts";
import { createPrismaConnections } from "../../../src/compose/connect-models.ts";
import { requiredSession } from "../../../src/core/transactions/transaction.ts";
import { PrismaClient } from "../../../src/generated/prisma/client.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import type { SqlSession } from "../../../src/kernel/sql-session.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";

const logger = createSilentLogger();
const WHO = "SELECT pg_backend_pid() AS pid";

let database: TestDatabase;
let client: PrismaClient;
let transactions: PrismaTransactions;

beforeAll(async () => {
  database = await createTestDatabase();
  const { adapter, leases } = createPrismaConnections({
    connectionString: database.url,
    applicationName: "test",
    maxConnections: 3,
    logger,
  });
  client = new PrismaClient({ adapter });
  transactions = createPrismaUnitOfWork({ client, logger, leases });
});
afterAll(async () => {
  await client.$disconnect();
  await database.drop();
});

test("a transaction's session is on the connection of its client, however many run at a time", async () => {
  const pairs = await Promise.all(
    Array.from({ length: 12 }, () =>
      transactions.run(async (transaction) => {
        const [own] = await requiredSession(transaction).query<{ pid: number }>(WHO);
        const [theirs] = await transactions.clientOf(transaction).$queryRawUnsafe<{ pid: number }>(WHO);
        return [own?.pid, theirs?.pid];
      }),
    ),
  );
  expect(pairs).toHaveLength(12);
  for (const [own, theirs] of pairs) {
    expect(own).toBe(theirs);
  }
});

test("writes of both are kept or undone together", async () => {
  const write = (isKept: boolean): Promise<void> =>
    transactions.run(async (transaction) => {
      await requiredSession(transaction).query("INSERT INTO language (code, name) VALUES ('fr', 'French')");
      const seen = await transactions
        .clientOf(transaction)
        .$queryRawUnsafe<{ code: string }>("SELECT code FROM language");
      expect(seen).toEqual([{ code: "fr" }]);
      if (!isKept) {
        throw new Error("not kept");
      }
    });
  await expect(write(false)).rejects.toThrow("not kept");
  expect(await client.language.count()).toBe(0);
  await write(true);
  expect(await client.language.count()).toBe(1);
});

test("the session cannot be used once the transaction is over", async () => {
  let kept: SqlSession | undefined;
  await transactions.run(async (transaction) => void (kept = requiredSession(transaction)));
  await expect(kept?.query(WHO)).rejects.toThrow("the transaction is over");
  // Even when the same connection serves the next transaction.
  await transactions.run(async () => {
    await expect(kept?.query(WHO)).rejects.toThrow("the transaction is over");
  });
});

test("PostgreSQL's errors arrive with all their fields", async () => {
  const refused = transactions.run((transaction) =>
    requiredSession(transaction).query("INSERT INTO language (code, name) VALUES ('fr', 'again')"),
  );
  await expect(refused).rejects.toMatchObject({
    code: "23505",
    constraint: "language_pkey",
    detail: "Key (code)=(fr) already exists.",
  });
});
