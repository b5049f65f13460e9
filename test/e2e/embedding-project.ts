import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cp } from "node:fs/promises";

import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { packedPackage } from "../support/packed-package.ts";
import type { PowerCrudProcess } from "../support/powercrud-process.ts";
import { spawnProgram, untilSuccess } from "../support/powercrud-process.ts";
import { createTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { createTestDatabase, type TestDatabase } from "../support/test-database.ts";

const SECRET = `whsec_${randomBytes(32).toString("base64")}`;
const PRODUCTS = 120;

/**
 * The project of client-examples/embedding as its own users have it.
 * @param installed a `node_modules` that has most of its packages, on the same disk
 */
export function describeEmbeddingProject(installed: () => string): void {
  describe("the embedding example", () => {
    let folder: TemporaryFolder;
    let database: TestDatabase;
    let sql: Client;
    /** The settings of the project, for the service and for the commands. */
    const settings: Record<string, string> = { POWERCRUD_WEBHOOK_SECRET: SECRET, POWERCRUD_LEASE_MS: "1500" };

    beforeAll(async () => {
      folder = await createTemporaryFolder("embedding");
      await cp("client-examples/embedding", folder.path, { recursive: true });
      // npm checks what is there, and installs the rest. Hard links are made in no time.
      const copying = spawnSync("cp", [
        process.platform === "linux" ? "-al" : "-R",
        installed(),
        folder.path,
      ]);
      expect(copying.status).toBe(0);
      database = await createTestDatabase({ isEmpty: true });
      sql = new Client(database.url);
      await sql.connect();
      await run("npm", ["install", await packedPackage()]);
      // `generate` never runs this program, but downloads it unless this names an existing file.
      await run("npx", ["prisma", "generate"], { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath });
      await powercrud("migrate");

      await sql.query(`INSERT INTO "Shelf" VALUES (1, 'left'), (2, 'right');
        INSERT INTO "Product" SELECT n, 'Product ' || n, 3, 1 FROM generate_series(1, ${PRODUCTS}) n;
        INSERT INTO "Product" SELECT n, 'Product ' || n, 3, 2 FROM generate_series(1001, 1003) n`);
    }, 240_000);

    afterAll(async () => {
      await sql.end();
      await database.drop();
      await folder.remove();
    });

    function spawn(
      file: string,
      args: readonly string[],
      env: Readonly<Record<string, string>> = {},
    ): Promise<PowerCrudProcess> {
      return spawnProgram(
        { file, args, cwd: folder.path },
        {
          ...settings,
          DATABASE_URL: database.url,
          PORT: "0",
          npm_config_prefer_offline: "true",
          npm_config_audit: "false",
          npm_config_fund: "false",
          ...env,
        },
      );
    }

    async function run(
      file: string,
      args: readonly string[],
      env: Readonly<Record<string, string>> = {},
    ): Promise<readonly string[]> {
      const program = await spawn(file, args, env);
      await untilSuccess(program, `${file} ${args.join(" ")}`);
      return program.answer;
    }

    const COMMAND_LINE = "node_modules/powercrud-graphql/bin/powercrud.mjs";

    /** Without npx in between, a signal reaches the program itself. */
    const powercrud = (...args: readonly string[]): Promise<readonly string[]> =>
      run(process.execPath, [COMMAND_LINE, ...args]);

    async function startService(): Promise<PowerCrudProcess> {
      const service = await spawn(process.execPath, [COMMAND_LINE, "start"]);
      await service.waitForLine(/^ready http/, 60_000);
      return service;
    }

    async function countOf(table: string): Promise<number> {
      const { rows } = await sql.query<{ count: number }>(`SELECT count(*)::int AS count FROM "${table}"`);
      return rows[0]?.count ?? 0;
    }

    it("does each product once though its process is killed in the middle, and tells the receiver", async () => {
      const receiver = await spawn(process.execPath, ["webhook-receiver.mjs"]);
      const [, receiverUrl = ""] = await receiver.waitForLine(/^ready (http:\S+)$/);
      settings["RECEIVER_URL"] = receiverUrl;
      const first = await startService();

      const launched = await powercrud(
        "launch",
        "restock",
        "--input",
        '{"shelf": 1, "amount": 2, "pauseMs": 25}',
      );
      const id = /^launched task (\S+)$/.exec(launched[0] ?? "")?.[1] ?? "";
      await expect.poll(() => countOf("Count"), { timeout: 60_000 }).toBeGreaterThan(PRODUCTS / 4);
      first.kill("SIGKILL");
      await first.exited;
      expect(await countOf("Count")).toBeLessThan(PRODUCTS);

      const second = await startService();
      const watched = await powercrud("tasks", "watch", id);
      expect(watched).toEqual([
        `SUCCEEDED restock, restock shelf 1, ${PRODUCTS} of ${PRODUCTS} done`,
        `result {"products":${PRODUCTS}}`,
      ]);
      const { rows } = await sql.query(
        'SELECT "shelfId", stock, count(*)::int FROM "Product" GROUP BY 1, 2 ORDER BY 1',
      );
      expect(rows).toEqual([
        { shelfId: 1, stock: 5, count: PRODUCTS },
        { shelfId: 2, stock: 3, count: 3 },
      ]);
      const attempts = await sql.query("SELECT attempt FROM powercrud.task WHERE id = $1", [id]);
      expect(attempts.rows).toEqual([{ attempt: 2 }]);
      const [, received = ""] = await receiver.waitForLine(/^received (.*)$/);
      expect(JSON.parse(received)).toMatchObject({
        type: "task.completed",
        data: { task: { id, status: "SUCCEEDED" } },
      });
      const forged = await fetch(receiverUrl, { method: "POST", body: received });
      expect(forged.status).toBe(401);

      const listed = await powercrud("schedules", "list");
      expect(listed).toEqual([
        expect.stringMatching(/^nightly-report {2}0 3 \* \* \* \(Europe\/Paris\) {2}reportStock {2}next /),
      ]);
      const reported = await powercrud("schedules", "run", "nightly-report", "--follow");
      expect(JSON.parse((reported.at(-1) ?? "").replace(/^result /, ""))).toEqual({
        products: PRODUCTS + 3,
        stock: 5 * PRODUCTS + 9,
        low: ["Product 1001", "Product 1002", "Product 1003"],
      });
      second.kill("SIGTERM");
      await second.exited;
    }, 240_000);
  });
}
