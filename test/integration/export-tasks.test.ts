import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createPgSession } from "../../src/adapters/postgres/connection/pg-session.ts";
import { createPostgresTaskFiles } from "../../src/adapters/postgres/tasks/postgres-task-files.ts";
import { codeBlocks } from "../support/markdown-code.ts";
import type { PowerCrudService } from "../../src/index.ts";
import {
  CITIES,
  fetchFile,
  FIRST,
  launch,
  read,
  serve,
  service,
  sql,
  startWorld,
  stopWorld,
  untilBackends,
} from "./exports-world.ts";

beforeAll(() => startWorld());
afterEach(() => sql.query("ROLLBACK"));
afterAll(stopWorld);

let worker: PowerCrudService;
beforeAll(async () => {
  worker = await serve({ exportRetentionMs: 1000 }, "start");
});
afterAll(() => worker.stop());

describe("launchExport", () => {
  // setting: POWERCRUD_EXPORT_RETENTION_MS
  it("writes the same file in the background, for who launched it, as long as it is kept", async () => {
    const query = { where: FIRST, orderBy: { name: "ASC" }, fields: ["id", "name", "notes"] };
    const launched = await launch(worker, { model: "City", format: "CSV", ...query }, "cities");
    expect(launched).toMatchObject({ kind: "ForbiddenError", message: "You may not read City.notes." });
    const { id = "" } = await launch(worker, { model: "City", format: "CSV", ...query });
    const task = await worker.powercrud.tasks.wait(id);
    const file = await read("City.csv", { ...query, fields: "id,name,notes" });
    const path = `/tasks/${id}/export.csv`;
    expect(task).toMatchObject({
      status: "SUCCEEDED",
      label: "Export of City",
      progress: { succeeded: 3 },
      result: { path, records: 3, bytes: Buffer.byteLength(file) },
    });
    expect(await fetchFile(worker, path)).toEqual([200, file]);
    // Another process sends it, too.
    expect(await fetchFile(service, path)).toEqual([200, file]);
    expect((await fetchFile(worker, path, "cities"))[0]).toBe(404);
    expect((await fetchFile(worker, `/tasks/${id}/export.jsonl`))[0]).toBe(404);
    await sql.query("UPDATE powercrud.task SET finished_at = now() - interval '1 hour' WHERE id = $1", [id]);
    await worker.powercrud.tasks.sweep();
    expect((await fetchFile(worker, path))[1]).toContain("is not kept any more");
    expect((await sql.query("SELECT FROM powercrud.task_file")).rows).toEqual([]);
  });

  it("is asked for as the guide says", async () => {
    const guide = await readFile("docs/import-export.md", "utf8");
    const [query = ""] = codeBlocks(guide, "graphql");
    const response = await fetch(`${worker.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-role": "all" },
      body: JSON.stringify({ query }),
    });
    const { data } = (await response.json()) as { data: { launchExport: { task: { id: string } } } };
    const { result } = await worker.powercrud.tasks.wait<{ path: string }>(data.launchExport.task.id);
    expect((await fetchFile(worker, result?.path ?? ""))[1]).toBe(
      "id,name,country.name\r\n3,Berlin,Germany\r\n1,Paris,France\r\n",
    );
  });

  it("writes a large file in parts, and begins it anew in each attempt", async () => {
    const { id = "" } = await launch(worker, { model: "City", format: "JSONL" });
    const task = await worker.powercrud.tasks.wait<{ parts: number; records: number }>(id);
    expect(task.result).toMatchObject({ records: CITIES + 3, attempt: 1 });
    expect(task.result?.parts).toBeGreaterThan(20);
    const [, whole] = await fetchFile(worker, `/tasks/${id}/export.jsonl`);
    expect(whole).toBe(await read("City.jsonl"));
    const files = createPostgresTaskFiles({ session: createPgSession(sql) });
    await files.append({ taskId: id, attempt: 2 }, 0, Buffer.from("of an attempt that did not end"));
    expect((await fetchFile(worker, `/tasks/${id}/export.jsonl`))[1]).toBe(whole);
  });

  it("is cancelled in PostgreSQL, and leaves no file", async () => {
    await sql.query("BEGIN");
    await sql.query("LOCK TABLE city IN ACCESS EXCLUSIVE MODE");
    const { id = "" } = await launch(worker, { model: "City", format: "CSV" });
    await untilBackends("wait_event_type = 'Lock'", 1);
    expect((await fetchFile(worker, `/tasks/${id}/export.csv`))[1]).toContain(
      "is not complete: the task is RUNNING",
    );
    await worker.powercrud.tasks.cancel(id);
    expect((await worker.powercrud.tasks.wait(id)).status).toBe("CANCELLED");
    await untilBackends("wait_event_type = 'Lock'", 0);
    await sql.query("ROLLBACK");
    expect((await fetchFile(worker, `/tasks/${id}/export.csv`))[1]).toContain("has no such file");
  });

  it.each([
    [{ model: "Citty", format: "CSV" }, 'There is no model "Citty". Did you mean City?'],
    [
      { model: "City", format: "CSV", where: { population: { gt: "x" } } },
      "where.population.gt: Int cannot represent",
    ],
    [{ model: "City", format: "CSV", fields: ["nam"] }, "Did you mean name?"],
  ])("is refused for %j", async (input, message) => {
    expect(await launch(worker, input)).toMatchObject({
      kind: "ValidationError",
      message: expect.stringContaining(message),
    });
  });
});

/** Computed columns, and the time of the last change, are not a caller's to write. */
const WRITABLE = "id,name,countryCode,population,latitude,longitude,elevation,status,notes,tags";

describe.each(["csv", "jsonl"])("what was exported as %s", (format) => {
  it("comes back by an import without a change", async () => {
    const file = await read(`City.${format}`);
    const before = await read("City.csv", { fields: WRITABLE });
    await sql.query("DELETE FROM city");
    const response = await fetch(`${worker.url}/imports/City?operation=create`, {
      method: "POST",
      headers: { "content-type": format === "csv" ? "text/csv" : "application/jsonl", "x-role": "all" },
      body: file,
    });
    expect(response.status).toBe(202);
    const { task } = (await response.json()) as { task: { id: string } };
    const settled = await worker.powercrud.tasks.wait(task.id);
    expect(settled).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: CITIES + 3 } });
    expect(await read("City.csv", { fields: WRITABLE })).toBe(before);
  });
});
