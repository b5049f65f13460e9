import { insertCities } from "../../support/insert-cities.ts";
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { graphql } from "graphql";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import demo from "../../../powercrud.config.ts";
import type { PowerCrud, Reservation, ReserveOutcome } from "../../../src/index.ts";
import { createPowerCrud, defineConfig } from "../../../src/index.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";

const LEASE_MS = 1000;
const PROCESS = join(import.meta.dirname, "reserving-process.ts");

let database: TestDatabase;
let sql: Client;
let service: PowerCrud;
let client: PowerCrud;

beforeAll(async () => {
  database = await createTestDatabase();
  sql = new Client(database.url);
  await sql.connect();
  await insertCities(sql, 20);
  const options = {
    config: defineConfig({ ...demo }),
    databaseUrl: database.url,
    settings: { leaseMs: LEASE_MS, workerConcurrency: 2 },
  };
  service = await createPowerCrud(options);
  await service.start();
  client = await createPowerCrud({ ...options, role: "client" });
  await client.start();
});
afterAll(async () => {
  await client.stop();
  await service.stop();
  await sql.end();
  await database.drop();
});

function reserved(outcome: ReserveOutcome): Reservation {
  if (outcome.kind !== "RESERVED") {
    throw new Error(`${outcome.kind}: ${outcome.message}`);
  }
  onTestFinished(async () => void (await outcome.reservation.release()));
  return outcome.reservation;
}

const cities = (...ids: readonly string[]) => [{ model: "City", ids }];

async function rename(id: string): Promise<unknown> {
  const source = `mutation { updateCity(id: ${id}, data: {name: "renamed"}) {
    __typename ... on ConflictError { message conflicts { recordId heldBy { id kind createdBy label status } } }
  } }`;
  const { data, errors } = await graphql({
    schema: service.schema,
    source,
    contextValue: { viewer: { id: "bob" } },
  });
  return JSON.parse(JSON.stringify(errors ?? data?.["updateCity"]));
}

function bulkNote(ids: readonly string[], onConflict: "REJECT" | "WAIT" = "REJECT") {
  return service.tasks.launchBulk({
    model: "City",
    operation: "UPDATE",
    viewer: { id: "bob" },
    selection: { ids },
    change: { notes: { set: "noted" } },
    options: { mode: "ASYNC", onConflict },
  });
}

describe("a reservation", () => {
  it("keeps single and bulk writes of others out, which name it, and then lets them in", async () => {
    const reservation = reserved(
      await client.tasks.reserve(cities("1", "002"), { viewer: { id: "ann" }, label: "stocktaking" }),
    );
    const { id } = reservation;
    expect(await rename("1")).toEqual({
      __typename: "ConflictError",
      message: `City 1 is held by task ${id} (reservation, launched by ann). Try again when it has settled.`,
      conflicts: [
        {
          recordId: "1",
          heldBy: { id, kind: "reservation", createdBy: "ann", label: "stocktaking", status: "RUNNING" },
        },
      ],
    });
    // 002 is 2 in its canonical form.
    expect(await bulkNote(["2", "3"])).toMatchObject({
      kind: "CONFLICT",
      conflicts: [{ id: "2", owner: id }],
    });
    expect(await service.tasks.list({ kinds: ["reservation"] })).toMatchObject([
      { id, model: "City", viewer: { id: "ann" }, startedAt: expect.any(Date) as Date },
    ]);
    expect(await client.tasks.release(reservation)).toBe(true);
    expect(await reservation.release()).toBe(true);
    expect(await rename("1")).toMatchObject({ __typename: "UpdateCityPayload" });
    expect(await service.tasks.get(id)).toMatchObject({
      status: "SUCCEEDED",
      message: "Released.",
      isCleaned: true,
    });
    expect(reservation.signal.aborted).toBe(false);
  });

  it("refuses what another reservation holds, also when both start together", async () => {
    const outcomes = await Promise.all(
      [client, service, client, service].map(({ tasks }) => tasks.reserve(cities("4", "5"))),
    );
    const held = outcomes.filter(({ kind }) => kind === "RESERVED").map(reserved);
    expect(held).toHaveLength(1);
    expect(outcomes.filter(({ kind }) => kind === "CONFLICT")).toMatchObject(
      Array.from({ length: 3 }, () => ({ conflicts: [{ owner: held[0]?.id }, { owner: held[0]?.id }] })),
    );
  });

  it("waits for the task in its way when asked to, as long as it may", async () => {
    const first = reserved(await client.tasks.reserve(cities("6")));
    const waiting = service.tasks.reserve(cities("6"), { onConflict: "WAIT" });
    await expect(
      service.tasks.reserve(cities("6"), { onConflict: "WAIT", timeoutMs: 50 }),
    ).rejects.toMatchObject({ name: "TimeoutError", message: expect.stringContaining(first.id) as string });
    await first.release();
    const second = reserved(await withDeadline(waiting, 10_000, "the second reservation"));
    expect(second.id).not.toBe(first.id);
  });

  it("hands its records to a task that was launched before the release, before all others", async () => {
    const reservation = reserved(await client.tasks.reserve(cities("7")));
    const launched = await bulkNote(["7"], "WAIT");
    expect(launched).toMatchObject({ kind: "LAUNCHED", task: { status: "WAITING" } });
    const [, competitor] = await Promise.all([reservation.release(), client.tasks.reserve(cities("7"))]);
    expect(competitor.kind).toBe("CONFLICT");
    const id = launched.kind === "LAUNCHED" ? launched.task.id : "";
    expect(await client.tasks.wait(id, { timeoutMs: 10_000 })).toMatchObject({ status: "SUCCEEDED" });
  });

  it("outlives its lease many times over while its process lives", async () => {
    const reservation = reserved(await client.tasks.reserve(cities("8"), { leaseMs: LEASE_MS }));
    const renewals =
      "SELECT heartbeat_at > started_at + interval '2 s' AS yes FROM powercrud.attempt WHERE task_id = $1";
    const isRenewed = async () =>
      (await sql.query<{ yes: boolean }>(renewals, [reservation.id])).rows[0]?.yes;
    await expect.poll(isRenewed, { timeout: 10_000 }).toBe(true);
    await service.tasks.sweep();
    expect(await service.tasks.get(reservation.id)).toMatchObject({ status: "RUNNING" });
    expect(await rename("8")).toMatchObject({ __typename: "ConflictError" });
  });

  it("of a killed process ends, and its records are free", async () => {
    const child = fork(PROCESS, [database.url, "9"], { execArgv: ["--import", "tsx"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const [id] = (await withDeadline(once(child, "message"), 50_000, "the reservation")) as [string];
    expect(await rename("9")).toMatchObject({ conflicts: [{ heldBy: { id, createdBy: "ghost" } }] });
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await service.tasks.wait(id, { timeoutMs: 10_000 })).toMatchObject({
      status: "FAILED",
      message: "The process that held the reservation is gone.",
      attempt: 1,
    });
    expect(await rename("9")).toMatchObject({ __typename: "UpdateCityPayload" });
  });

  it("of a process that cannot renew it is lost: its signal tells, and it releases nothing", async () => {
    const reservation = reserved(await client.tasks.reserve(cities("10")));
    const lost = once(reservation.signal, "abort");
    // As if another process had ended it, such as after a long pause of this one.
    await sql.query(
      "UPDATE powercrud.attempt SET heartbeat_at = now() - interval '1 hour' WHERE task_id = $1",
      [reservation.id],
    );
    const { summary } = await service.tasks.sweep();
    const { status } = (await service.tasks.get(reservation.id)) ?? {};
    expect([summary.expired.includes(reservation.id), status]).toContainEqual(true);
    await withDeadline(lost, 10_000, "the signal");
    expect(reservation.signal.reason).toMatchObject({ code: "ATTEMPT_FENCED" });
    expect(await reservation.release()).toBe(false);
  });

  it("can be cancelled by anyone, which its holder hears", async () => {
    const reservation = reserved(await client.tasks.reserve(cities("11")));
    const lost = once(reservation.signal, "abort");
    expect(await service.tasks.cancel(reservation.id, { viewer: { id: "boss" } })).toMatchObject({
      kind: "CANCELLED",
    });
    await withDeadline(lost, 10_000, "the signal");
    expect(reservation.signal.reason).toMatchObject({ code: "CANCELLED" });
    expect(await service.tasks.wait(reservation.id, { timeoutMs: 10_000 })).toMatchObject({
      status: "CANCELLED",
    });
    expect(await rename("11")).toMatchObject({ __typename: "UpdateCityPayload" });
  });

  it("is released when its process stops", async () => {
    const leaving = await createPowerCrud({
      config: defineConfig({ ...demo }),
      databaseUrl: database.url,
      role: "client",
    });
    await leaving.start();
    const reservation = reserved(await leaving.tasks.reserve(cities("12")));
    await leaving.stop();
    expect(reservation.signal.reason).toMatchObject({ code: "UNAVAILABLE" });
    expect(await service.tasks.get(reservation.id)).toMatchObject({ status: "SUCCEEDED" });
    expect(await leaving.tasks.reserve(cities("13"))).toMatchObject({ kind: "UNAVAILABLE" });
  });

  it("can be neither paused nor retried", async () => {
    const reservation = reserved(await client.tasks.reserve(cities("14")));
    expect(await client.tasks.pause(reservation)).toMatchObject({
      kind: "NOT_PAUSABLE",
      message: expect.stringContaining("is a reservation") as string,
    });
    await client.tasks.cancel(reservation);
    await client.tasks.wait(reservation, { timeoutMs: 10_000 });
    expect(await client.tasks.retry(reservation)).toMatchObject({
      kind: "INVALID",
      message: expect.stringContaining("is a reservation") as string,
    });
  });

  it.each([
    [[], {}, "claims: name at least one record, or a whole model."],
    [[{ model: "City", ids: [] }], {}, "claims: name at least one record, or a whole model."],
    [cities("one"), {}, '"one" is not an id of City'],
    [cities("15"), { leaseMs: 10 }, "leaseMs: needs a whole number from 1000 to 2147483647, not 10."],
    [cities("15"), { label: "x".repeat(201) }, "options.label: needs 0 to 200 characters, has 201."],
  ] as const)("is refused for %j with %j", async (claims, options, message) => {
    const before = await service.tasks.count({});
    expect(await client.tasks.reserve(claims, options)).toMatchObject({
      kind: "INVALID",
      message: expect.stringMatching(message) as string,
    });
    await expect(client.tasks.reserve([{ model: "Citty", ids: "all" }])).rejects.toMatchObject({
      code: "UNKNOWN_MODEL",
    });
    expect(await service.tasks.count({})).toBe(before);
  });
});
