import { connect } from "node:net";
import type { Socket } from "node:net";
import { once } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import { NO_COUNTS } from "../../src/core/tasks/progress.ts";
import type { NewTaskError } from "../../src/core/tasks/task-error.ts";
import { createTaskReads } from "../../src/core/tasks/manager/create-task-manager.ts";
import type { TaskStore } from "../../src/core/tasks/task-store.ts";
import { plainBatch } from "../../src/core/tasks/record-batch.ts";
import { AppError } from "../../src/kernel/app-error.ts";
import { createId } from "../../src/kernel/ids.ts";
import type { HttpServerOptions } from "../../src/server/server-options.ts";
import { createMemoryTaskStore } from "../support/memory/memory-task-store.ts";
import { createMemoryUnitOfWork } from "../support/memory/memory-unit-of-work.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import { sampleTask } from "../contract/sample-task.ts";
import { withDeadline } from "../support/deadline.ts";
import { startServerFixture, type ServerFixture } from "./server-fixture.ts";

async function start(options: Partial<HttpServerOptions> = {}): Promise<ServerFixture> {
  const fixture = await startServerFixture(options);
  onTestFinished(() => fixture.stop());
  return fixture;
}

const failed = (recordId: string | null, message = "Taken."): NewTaskError => ({
  recordId,
  outcome: "FAILED",
  code: "CONSTRAINT_VIOLATED",
  message,
});

/** A settled task with these errors, and a record for each of the ids. */
async function storeWith(
  errors: readonly NewTaskError[],
  ids: readonly string[] = [],
): Promise<{ readonly store: TaskStore; readonly id: string }> {
  const store = createMemoryTaskStore();
  const unitOfWork = createMemoryUnitOfWork({ logger: createSilentLogger() });
  const task = sampleTask({ total: ids.length, chunks: ids.length === 0 ? [] : [plainBatch(ids)] });
  await unitOfWork.run(async (transaction) => {
    await store.create(transaction, task);
    await store.finishChunk(transaction, task.id, 1, { succeeded: ids.length, failed: 0, skipped: 0 });
    await store.settle(transaction, task.id, 0, {
      status: "CANCELLED",
      message: null,
      result: null,
      counts: NO_COUNTS,
      finishedAt: new Date(),
      errors,
    });
  });
  return { store, id: task.id };
}

function linesOf(text: string): readonly unknown[] {
  expect(text.endsWith("\n")).toBe(true);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe("a task's results as files", () => {
  it("have one error per line, in order, with its details", async () => {
    const fixture = await start();
    const id = await fixture.tasks.create();
    await fixture.tasks.start(id);
    await fixture.tasks.settle(id, [
      { ...failed("7", 'a "line"\nbreak 日本'), field: "name", index: 3 },
      { recordId: "8", outcome: "SKIPPED", code: "RECORD_MISSING", message: "Gone." },
      failed(null),
    ]);
    const response = await fetch(`${fixture.server.url}/tasks/${id.toUpperCase()}/errors.jsonl`);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "application/jsonl; charset=utf-8",
      "content-disposition": `attachment; filename="task-${id}-errors.jsonl"`,
      "cache-control": "no-store",
    });
    expect(linesOf(await response.text())).toEqual([
      {
        recordId: "7",
        index: 3,
        outcome: "FAILED",
        code: "CONSTRAINT_VIOLATED",
        message: 'a "line"\nbreak 日本',
        field: "name",
      },
      { recordId: "8", outcome: "SKIPPED", code: "RECORD_MISSING", message: "Gone." },
      { recordId: null, outcome: "FAILED", code: "CONSTRAINT_VIOLATED", message: "Taken." },
    ]);
  });

  it("have one record per line with its outcome, over many pages", async () => {
    const ids = Array.from({ length: 5001 }, (_, at) => `r${at}`);
    const { store, id } = await storeWith([failed("r4000")], ids);
    const { server } = await start({ tasks: createTaskReads(store) });
    const response = await fetch(`${server.url}/tasks/${id}/records.jsonl`);
    expect(response.headers.get("content-disposition")).toContain(`task-${id}-records.jsonl`);
    const error = { code: "CONSTRAINT_VIOLATED", message: "Taken." };
    expect(linesOf(await response.text())).toEqual(
      ids.map((one) =>
        one === "r4000" ? { id: one, outcome: "FAILED", ...error } : { id: one, outcome: "SUCCEEDED" },
      ),
    );
  });

  it("are empty for a task without errors and records", async () => {
    const fixture = await start();
    const id = await fixture.tasks.create();
    for (const file of ["errors.jsonl", "records.jsonl"]) {
      const response = await fetch(`${fixture.server.url}/tasks/${id}/${file}`);
      expect([response.status, await response.text()]).toEqual([200, ""]);
    }
  });

  it("answer HEAD with the same headers, and read nothing", async () => {
    const { store, id } = await storeWith([failed("1")]);
    let readCount = 0;
    const errors: TaskStore["errors"] = (...page) => {
      readCount += 1;
      return store.errors(...page);
    };
    const { server } = await start({ tasks: createTaskReads({ ...store, errors }) });
    const url = `${server.url}/tasks/${id}/errors.jsonl`;
    const head = await fetch(url, { method: "HEAD" });
    expect([head.status, readCount]).toEqual([200, 0]);
    const get = await fetch(url);
    expect(readCount).toBe(1);
    for (const name of ["content-type", "content-disposition", "cache-control", "vary"]) {
      expect(head.headers.get(name)).toBe(get.headers.get(name));
    }
    expect(await head.text()).toBe("");
    const missing = await fetch(url.replace(id, createId(new Date())), { method: "HEAD" });
    expect(missing.status).toBe(404);
  });
});

describe("a request for results", () => {
  const refusal = async (response: Response): Promise<unknown> => {
    const { errors } = (await response.json()) as {
      errors: { message: string; extensions: { code: string } }[];
    };
    return [response.status, errors[0]?.extensions.code, errors[0]?.message];
  };

  it("is refused for an unknown task or file", async () => {
    const fixture = await start();
    const id = await fixture.tasks.create();
    const unknown = createId(new Date());
    const get = async (path: string): Promise<unknown> => refusal(await fetch(fixture.server.url + path));
    expect(await get(`/tasks/${unknown}/errors.jsonl`)).toEqual([
      404,
      "NOT_FOUND",
      `There is no task "${unknown}".`,
    ]);
    expect(await get("/tasks/7/records.jsonl")).toEqual([404, "NOT_FOUND", 'There is no task "7".']);
    for (const path of [`/tasks/${id}/other.jsonl`, `/tasks/${id}/errors.jsonl/x`, `/tasks/${id}`]) {
      expect(await get(path)).toMatchObject([404, "NOT_FOUND", expect.stringContaining(path)]);
    }
    const without = await startServerFixture({ tasks: undefined as never });
    onTestFinished(() => without.stop());
    expect((await fetch(`${without.server.url}/tasks/${id}/errors.jsonl`)).status).toBe(404);
  });

  it("is refused with another method", async () => {
    const fixture = await start();
    const id = await fixture.tasks.create();
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const response = await fetch(`${fixture.server.url}/tasks/${id}/errors.jsonl`, { method });
      expect(response.headers.get("allow")).toBe("GET, HEAD");
      expect(await refusal(response)).toMatchObject([405, "VALIDATION_FAILED", expect.any(String)]);
    }
  });

  it("follows the origin policy, and allows the configured pages", async () => {
    const origin = "https://app.example.com";
    const fixture = await start({ allowedOrigins: [origin] });
    const url = `${fixture.server.url}/tasks/${await fixture.tasks.create()}/errors.jsonl`;
    const foreign = await fetch(url, { headers: { origin: "https://evil.example.com" } });
    expect(foreign.headers.get("access-control-allow-origin")).toBeNull();
    expect(await refusal(foreign)).toMatchObject([403, "VALIDATION_FAILED", expect.any(String)]);
    const allowed = await fetch(url, { headers: { origin } });
    expect(allowed.status).toBe(200);
    expect(allowed.headers.get("access-control-allow-origin")).toBe(origin);
    const preflight = await fetch(url, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-headers")).toBe("authorization");
    expect(preflight.headers.get("access-control-allow-methods")).toBe("GET, HEAD");
  });

  it("is authenticated", async () => {
    const authenticate: HttpServerOptions["authenticate"] = async ({ headers }) => {
      if (headers.get("authorization") !== "Bearer ann") {
        throw new AppError("VALIDATION_FAILED", "The token is not valid.");
      }
      return { id: "ann" };
    };
    const fixture = await start({ authenticate });
    const url = `${fixture.server.url}/tasks/${await fixture.tasks.create()}/errors.jsonl`;
    expect(await refusal(await fetch(url))).toEqual([401, "VALIDATION_FAILED", "The token is not valid."]);
    expect((await fetch(url, { headers: { authorization: "Bearer ann" } })).status).toBe(200);
  });

  it("reports an unreachable store, and masks unexpected errors", async () => {
    const { store, id } = await storeWith([failed("1")]);
    const away = async (): Promise<never> => {
      throw new AppError("UNAVAILABLE", "The database cannot be reached.");
    };
    const broken = async (): Promise<never> => {
      throw new Error("the password is 12345");
    };
    const fixture = await start({ tasks: createTaskReads({ ...store, errors: away, recordPages: broken }) });
    const get = async (file: string): Promise<unknown> =>
      refusal(await fetch(`${fixture.server.url}/tasks/${id}/${file}`));
    expect(await get("errors.jsonl")).toEqual([503, "UNAVAILABLE", "The database cannot be reached."]);
    expect(await get("records.jsonl")).toEqual([500, "INTERNAL", "Unexpected error."]);
    expect(fixture.logged).toHaveLength(1);
  });
});

describe("long results", () => {
  /** 50 pages of 2 MB. */
  const long = (): ReturnType<typeof storeWith> =>
    storeWith(Array.from({ length: 100_000 }, (_, at) => failed(String(at), "x".repeat(1000))));

  /** Several rounds of the server's event loop. */
  const goRound = async ({ server }: ServerFixture): Promise<void> => {
    for (let round = 0; round < 30; round += 1) {
      await (await fetch(`${server.url}/health/live`)).text();
    }
  };

  const counted = (store: TaskStore) => {
    const counter = { store, count: 0 };
    counter.store = {
      ...store,
      errors: (...page) => {
        counter.count += 1;
        return store.errors(...page);
      },
    };
    return counter;
  };

  const openRequest = async ({ server }: ServerFixture, path: string): Promise<Socket> => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    await once(socket, "readable");
    return socket;
  };

  it("are read no faster than the client takes them, and no further once it has left", async () => {
    const { store, id } = await long();
    const reads = counted(store);
    const fixture = await start({ tasks: createTaskReads(reads.store) });
    const socket = await openRequest(fixture, `/tasks/${id}/errors.jsonl`);
    await goRound(fixture);
    const taken = reads.count;
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(25);
    await goRound(fixture);
    expect(reads.count).toBe(taken);
    socket.destroy();
    await goRound(fixture);
    const left = reads.count;
    expect(left).toBeLessThanOrEqual(taken + 1);
    await goRound(fixture);
    expect(reads.count).toBe(left);
    expect(fixture.logged).toEqual([]);
  });

  it("arrive whole if the client reads to the end", async () => {
    const { store, id } = await long();
    const { server } = await start({ tasks: createTaskReads(store) });
    const response = await fetch(`${server.url}/tasks/${id}/errors.jsonl`);
    const lines = (await response.text()).trimEnd().split("\n");
    expect(lines).toHaveLength(100_000);
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ recordId: "99999" });
  });

  it("break off visibly if the store fails", async () => {
    const { store, id } = await storeWith(Array.from({ length: 5000 }, (_, at) => failed(String(at))));
    const errors: TaskStore["errors"] = async (taskId, after, limit) => {
      if (after > 0) {
        throw new AppError("UNAVAILABLE", "The database cannot be reached.");
      }
      return store.errors(taskId, after, limit);
    };
    const fixture = await start({ tasks: createTaskReads({ ...store, errors }) });
    const response = await fetch(`${fixture.server.url}/tasks/${id}/errors.jsonl`);
    expect(response.status).toBe(200);
    await expect(withDeadline(response.text(), 5000, "the end")).rejects.toThrow("terminated");
    expect(fixture.logged).toHaveLength(1);
  });
});
