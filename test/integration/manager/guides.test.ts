import assert from "node:assert/strict";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import express from "express";
import fastify from "fastify";
import { graphql } from "graphql";
import { Client } from "pg";
import { afterAll, beforeAll, expect, inject, it, onTestFinished } from "vitest";
import { z } from "zod";
import demo from "../../../powercrud.config.ts";
import { createPowerCrud, defineConfig, defineTask } from "../../../src/index.ts";
import { createRequestHandler } from "../../../src/server.ts";
import type { TestPowerCrud } from "../../../src/testing.ts";
import { createTestPowerCrud, runInline, untilSettled } from "../../../src/testing.ts";
import { codeBlocks, markdownSection } from "../../support/markdown-code.ts";

const projectDir = resolve(import.meta.dirname, "../../..");

const rebuildStatistics = defineTask({
  kind: "rebuildStatistics",
  input: z.object({ year: z.int() }),
  async run({ progress }) {
    progress.total(10);
    progress.add(10);
    return { steps: 10 };
  },
});
const config = defineConfig({ ...demo, tasks: [rebuildStatistics] });

let test: TestPowerCrud;
beforeAll(async () => {
  test = await createTestPowerCrud({ config, projectDir, databaseUrl: inject("postgresUrl") });
});
afterAll(() => test.stop());

/** Runs a page's code without its imports, which are given. @returns what it returns */
async function run(code: string, names: Readonly<Record<string, unknown>>): Promise<unknown> {
  const body = code.replaceAll(/^import .*\n/gm, "").replaceAll(/^export /gm, "");
  // oxlint-disable-next-line typescript/no-implied-eval -- the code is that of our own page
  const call = new Function(...Object.keys(names), `return (async () => {${body}})()`) as (
    ...values: unknown[]
  ) => Promise<unknown>;
  return call(...Object.values(names));
}

const page = (name: string): Promise<string> => readFile(resolve(projectDir, "docs", name), "utf8");

it("the examples of docs/testing-your-project.md run", async () => {
  const [example = ""] = codeBlocks(await page("testing-your-project.md"), "ts");
  const names = {
    createTestPowerCrud,
    runInline,
    untilSettled,
    config,
    rebuildStatistics,
    projectDir,
    assert,
  };
  await expect(run(example, { ...names, databaseUrl: inject("postgresUrl") })).resolves.toBeUndefined();
});

it("the examples of docs/task-manager.md run", async () => {
  const lines: unknown[][] = [];
  const names = {
    createPowerCrud,
    config,
    databaseUrl: test.databaseUrl,
    powercrud: test.powercrud,
    rebuildStatistics,
    console: { log: (...words: unknown[]) => lines.push(words) },
  };
  await test.execute(
    `mutation { createCountry(data: {code: "FR", name: "France", continent: EUROPE}) { __typename } }`,
  );
  const examples = codeBlocks(await page("task-manager.md"), "ts");
  expect(examples).toHaveLength(4);
  for (const example of examples) {
    await run(example, names);
  }
  expect(lines).toContainEqual(["10 of 10"]);
  expect(lines).toContainEqual(["SUCCEEDED", 10]);
  expect(lines.at(-1)).toEqual(["LAUNCHED"]);
  expect(await test.tasks.list({ kinds: ["reservation"] })).toMatchObject([
    { label: "renaming by hand", status: "SUCCEEDED" },
  ]);
});

it("the query of docs/deployment.md answers", async () => {
  const [source = ""] = codeBlocks(await page("deployment.md"), "graphql");
  const { data, errors } = await graphql({
    schema: test.powercrud.schema,
    source,
    contextValue: { viewer: { id: null } },
  });
  expect(errors).toBeUndefined();
  expect(JSON.parse(JSON.stringify(data))).toMatchObject({
    health: { processes: [{ id: test.powercrud.processId, role: "START" }] },
  });
});

it("the servers of docs/embedding.md answer", async () => {
  const section = markdownSection(await page("embedding.md"), "In a server of your own");
  const [, forExpress = "", forFastify = "", forNext = ""] = codeBlocks(section, "ts");
  const api = createRequestHandler({ powercrud: test.powercrud, listenHost: "127.0.0.1" });
  const names = { api, powercrud: test.powercrud, rebuildStatistics, express, fastify, createServer };
  const live = async (url: string): Promise<unknown> => (await fetch(`${url}/health/live`)).json();

  const expressApp = (await run(`${forExpress} return app;`, names)) as ReturnType<typeof express>;
  const server = createServer(expressApp);
  await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { readonly port: number };
  expect(await live(`http://127.0.0.1:${port}`)).toEqual({ isLive: true });
  const rebuilt = await fetch(`http://127.0.0.1:${port}/rebuild/2026`, { method: "POST" });
  const { id } = (await rebuilt.json()) as { id: string };
  expect(await untilSettled(test, id)).toMatchObject({ status: "SUCCEEDED", input: { year: 2026 } });
  server.close();

  const { app } = (await run(`${forFastify} return { app };`, names)) as { app: ReturnType<typeof fastify> };
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  expect(await live(url)).toEqual({ isLive: true });
  const mine = await test.tasks.list({ createdBy: "ada", limit: 10 });
  expect(await (await fetch(`${url}/tasks-of-mine`)).json()).toEqual(JSON.parse(JSON.stringify(mine)));
  await app.close();

  const routes = (await run(`${forNext} return { GET, POST };`, names)) as {
    POST: (request: Request) => Promise<Response>;
  };
  const asked = new Request("http://127.0.0.1/graphql", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: "{ tags { totalCount } }" }),
  });
  expect(await (await routes.POST(asked)).json()).toMatchObject({
    data: { tags: expect.any(Object) as object },
  });
  await api.close();
});

it("a test says why its task could not run, or how it failed, and leaves nothing behind", async () => {
  await expect(runInline(test, "nothing", 1)).rejects.toMatchObject({ code: "UNKNOWN_KIND" });
  await expect(runInline(test, "rebuildStatistics", { year: "2026" })).rejects.toThrow(
    /^the launch of rebuildStatistics was refused \(INVALID\): .*year/,
  );
  await expect(untilSettled(test, "00000000-0000-7000-8000-000000000000")).rejects.toMatchObject({
    code: "NOT_FOUND",
  });
  // A user of its own, since other tests make databases at the same time.
  const server = new Client(inject("postgresUrl"));
  await server.connect();
  onTestFinished(async () => {
    await server.query("DROP ROLE IF EXISTS guide_tester");
    await server.end();
  });
  await server.query("CREATE ROLE guide_tester LOGIN CREATEDB PASSWORD 'guide'");
  const databaseUrl = Object.assign(new URL(inject("postgresUrl")), {
    username: "guide_tester",
    password: "guide",
  });
  const options = { projectDir, databaseUrl: databaseUrl.href };
  const broken = defineConfig({ ...demo, tasks: [rebuildStatistics, rebuildStatistics] });
  await expect(createTestPowerCrud({ ...options, config: broken })).rejects.toThrow(/share the kind/);
  const named = defineTask({ kind: "reservation", run: async () => null });
  const reserved = defineConfig({ ...demo, tasks: [named] });
  await expect(createTestPowerCrud({ ...options, config: reserved })).rejects.toThrow(
    /No task may have the kind "reservation"/,
  );
  const left = await server.query("SELECT FROM pg_database WHERE datdba = 'guide_tester'::regrole");
  expect(left.rowCount).toBe(0);
});
