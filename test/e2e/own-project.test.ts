import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { describeEmbeddingProject } from "./embedding-project.ts";
import { MANY, visitEveryPage } from "./many-models-pages.ts";
import { migrateDatabase } from "../../src/compose/migrate-database.ts";
import { describeCatalog } from "../support/describe-catalog.ts";
import { createTestClient } from "../support/graphql-client.ts";
import { manyModels } from "../support/many-models.ts";
import { codeBlocks, markdownSection } from "../support/markdown-code.ts";
import { packedPackage } from "../support/packed-package.ts";
import { spawnProgram, untilSuccess, type PowerCrudProcess } from "../support/powercrud-process.ts";
import { tablesSql } from "../support/tables-sql.ts";
import { createTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { createTestDatabase, type TestDatabase } from "../support/test-database.ts";

const SCHEMA = `generator client {
  provider = "prisma-client"
  output   = "../generated/prisma"
}

datasource db {
  provider = "postgresql"
}

enum Genre {
  NOVEL
  POEMS
}

/// Who writes.
model Author {
  id    Int    @id @default(autoincrement())
  name  String @unique
  books Book[]
}

model Book {
  id       String @id @default(uuid()) @db.Uuid
  title    String
  pages    Int
  genre    Genre  @default(NOVEL)
  authorId Int    @map("author_id")
  author   Author @relation(fields: [authorId], references: [id], onDelete: Cascade)

  @@index([authorId])
  @@map("book")
}
`;
const MIGRATION = `
CREATE TYPE "Genre" AS ENUM ('NOVEL', 'POEMS');
CREATE TABLE "Author" ("id" SERIAL PRIMARY KEY, "name" TEXT NOT NULL);
CREATE UNIQUE INDEX "Author_name_key" ON "Author" ("name");
CREATE TABLE "book" (
  "id" UUID PRIMARY KEY, "title" TEXT NOT NULL, "pages" INTEGER NOT NULL, "genre" "Genre" NOT NULL DEFAULT 'NOVEL',
  "author_id" INTEGER NOT NULL REFERENCES "Author" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "book_author_id_idx" ON "book" ("author_id");`;
const DATA = `
INSERT INTO "Author" ("name") VALUES ('Emily'), ('Jane');
INSERT INTO "book" ("id", "title", "pages", "author_id")
  SELECT gen_random_uuid(), 'Book ' || n, n % 300, 1 + n % 2 FROM generate_series(1, 12000) AS n`;
const BOOKS = 12_000 - 12_000 / 300;

const MODELS = 80;
const MANY_RECORDS = `
INSERT INTO modelaa (title, slug, count, updated_at)
  SELECT 'Thing ' || n, 'thing-' || n, n, now() FROM generate_series(1, ${MANY}) AS n`;
const DEMO_WORDS = /\b(?:cit(?:y|ies)|countr(?:y|ies)|population|inhabitants)\b/i;

let folder: TemporaryFolder;
let database: TestDatabase;
/** The commands of the README's quick start. */
let install: string, dryRun: string, init: string, start: string;
let documents: { readonly graphql: readonly string[]; readonly removal: string };

const projectDir = (): string => join(folder.path, "shop");

beforeAll(async () => {
  folder = await createTemporaryFolder("own-project");
  await cp(await packedPackage(), join(folder.path, "powercrud-graphql-0.1.0.tgz"));
  const section = markdownSection(await readFile("README.md", "utf8"), "Your own project");
  [install = "", dryRun = "", init = "", start = ""] = (codeBlocks(section, "sh")[0] ?? "")
    .trim()
    .split("\n");
  const quickStart = await readFile("docs/quick-start.md", "utf8");
  documents = { graphql: codeBlocks(section, "graphql"), removal: codeBlocks(quickStart, "sql").join("\n") };

  await writeFiles(projectDir(), {
    "package.json": JSON.stringify({
      name: "shop",
      dependencies: { "@prisma/client": "7.10.0", prisma: "7.10.0" },
    }),
    "prisma/schema.prisma": SCHEMA,
    "prisma/migrations/20260101000000_start/migration.sql": MIGRATION,
  });
  database = await createTestDatabase({ isEmpty: true });
  await migrateDatabase({ databaseUrl: database.url, projectDir: projectDir() });
  await runSql(`DROP SCHEMA powercrud CASCADE; ${DATA}`);
  await runShell(install, projectDir());
}, 240_000);

afterAll(async () => {
  await database.drop();
  await folder.remove();
});

async function writeFiles(dir: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), text);
  }
}

async function runSql(sql: string, databaseUrl = database.url): Promise<unknown[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

function spawnShell(
  command: string,
  cwd: string,
  env: Record<string, string> = {},
): Promise<PowerCrudProcess> {
  return spawnProgram(
    // Without a shell in between, a signal reaches npm, as Ctrl-C does.
    { file: "sh", args: ["-c", `exec ${command}`], cwd },
    {
      npm_config_prefer_offline: "true",
      npm_config_audit: "false",
      npm_config_fund: "false",
      PORT: "0",
      ...env,
    },
  );
}

async function runShell(
  command: string,
  cwd: string,
  env: Record<string, string> = {},
): Promise<readonly string[]> {
  const process = await spawnShell(command, cwd, env);
  await untilSuccess(process, command);
  return process.lines;
}

/** The texts of a project's files, without its packages. */
async function textsOf(dir: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .filter((name) => !name.startsWith("node_modules") && !name.startsWith(".powercrud"));
  return Object.fromEntries(
    await Promise.all(files.map(async (name) => [name, await readFile(join(dir, name), "utf8")] as const)),
  );
}

/** Starts the service in the project, runs `work` on it, and stops it as Ctrl-C does. */
async function whileServing(
  dir: string,
  env: Record<string, string>,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const service = await spawnShell(start, dir, env);
  const [, url = ""] = await service.waitForLine(/^ready (http:\S+)$/, 60_000);
  await work(url);
  service.kill("SIGTERM");
  await service.exited;
}

describe("the README's quick start", () => {
  it("has the same commands as docs/quick-start.md", async () => {
    const quickStart = await readFile("docs/quick-start.md", "utf8");
    expect((codeBlocks(quickStart, "sh")[0] ?? "").trim().split("\n")).toEqual([
      install,
      dryRun,
      init,
      start,
    ]);
  });

  it("serves a database with a history of its own, and changes nothing of it", async () => {
    const env = { DATABASE_URL: database.url };
    const before = await describeCatalog(database.url);
    const files = await textsOf(projectDir());
    const shown = (await runShell(dryRun, projectDir(), env)).join("\n");
    expect(shown).toContain("+generator powercrud {");
    expect(await textsOf(projectDir())).toEqual(files);
    expect(await runSql("SELECT to_regnamespace('powercrud') AS found")).toEqual([{ found: null }]);

    const said = (await runShell(init, projectDir(), env)).join("\n");
    expect(said).toMatch(/healthy[\s\S]*curl http:\/\/\S+\/graphql .*authors\(first: 3\)[\s\S]*done$/);
    const made = await textsOf(projectDir());
    expect(made["prisma/schema.prisma"]?.replace(/\n\ngenerator powercrud {[^}]*}/, "")).toBe(SCHEMA);
    expect(made["powercrud.config.ts"]).toContain("defineConfig");
    // Where callers must identify themselves, there is a first key.
    const closed = { ...env, POWERCRUD_AUTH: "required" };
    const again = await runShell(init, projectDir(), closed);
    expect(again.at(-1)).toBe("nothing to do");
    expect(again).toContainEqual(expect.stringMatching(/"action":"key".*"outcome":"made"/));
    expect(await textsOf(projectDir())).toEqual(made);
    const [key = ""] = again.filter((line) => /^pck_\w+[\w-]*$/.test(line));

    await whileServing(projectDir(), closed, async (url) => {
      await expect(createTestClient(url).request("{ __typename }")).rejects.toThrow("401");
      const client = createTestClient(url, key);
      const [launch = "", follow = "", done = ""] = documents.graphql;
      const launched = await client.request<{ bulkUpdateBooks: { task: { id: string } } }>(launch);
      const { id } = launched.bulkUpdateBooks.task;
      const states: { status: string; progress: { processed: number } }[] = [];
      for await (const { taskProgress } of client.subscribe<{ taskProgress: (typeof states)[0] }>(follow, {
        id,
      })) {
        states.push(taskProgress);
      }
      expect(states.length).toBeGreaterThan(1);
      expect(states.at(-1)).toMatchObject({
        status: "SUCCEEDED",
        progress: { processed: BOOKS, percent: 100 },
      });
      expect(await client.request(done)).toMatchObject({
        tasks: {
          nodes: [
            { id, label: "one more page", status: "SUCCEEDED", progress: { succeeded: BOOKS, failed: 0 } },
          ],
        },
      });
      await client.close();
    });
    expect(await runSql('SELECT sum(pages)::int - sum((pages > 0)::int)::int AS sum FROM "book"')).toEqual(
      await runSql("SELECT sum(n % 300)::int AS sum FROM generate_series(1, 12000) AS n"),
    );
    expect(await describeCatalog(database.url)).toBe(before);
    await runSql(documents.removal);
    expect(await runSql("SELECT nspname FROM pg_namespace WHERE nspname IN ('powercrud', 'bullmq')")).toEqual(
      [],
    );
    expect(await describeCatalog(database.url)).toBe(before);
  });

  it(`reads the Prisma schema of a database that has neither one nor a history; its ${MODELS} models have every page`, async () => {
    const other = await createTestDatabase({ isEmpty: true });
    const tables = await tablesSql([manyModels(MODELS)]);
    await runSql(`CREATE SCHEMA shop; SET search_path TO shop; ${tables}; ${MANY_RECORDS}`, other.url);
    const before = await describeCatalog(other.url);
    const dir = join(folder.path, "bare");
    const manifest = await readFile(join(projectDir(), "package.json"), "utf8");
    await writeFiles(dir, { "package.json": manifest });
    await symlink(join(projectDir(), "node_modules"), join(dir, "node_modules"));
    await runShell(`${init} --database-url '${other.url}?schema=shop'`, dir);
    const made = await textsOf(dir);
    expect(made["prisma/schema.prisma"]).toMatch(
      /generator powercrud {[\s\S]*model modelaa {[\s\S]*model modelab {/,
    );
    // The address is in .env now.
    const seen: string[] = [];
    await whileServing(dir, {}, async (url) => void seen.push(...(await visitEveryPage(url))));
    expect(seen.length).toBeGreaterThan(11);
    expect(seen.filter((text) => DEMO_WORDS.test(text))).toEqual([]);
    const written =
      "SELECT title, count FROM shop.modelaa WHERE slug IN ('thing-1', 'thing-new') ORDER BY id";
    expect(await runSql(written, other.url)).toEqual([
      { title: "First", count: 7 },
      { title: "New", count: 8 },
    ]);
    expect(await describeCatalog(other.url)).toBe(before);
    await other.drop();
  });
});

// Here, because most of its packages are installed already.
describeEmbeddingProject(() => join(projectDir(), "node_modules"));
