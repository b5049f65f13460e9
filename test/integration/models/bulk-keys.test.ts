import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { untilWaiting } from "../../support/until-waiting.ts";
import type { Answer } from "./models-fixture.ts";
import type { NamedPeople } from "./named-people.ts";
import { BADGE, createNamedPeople, newcomer } from "./named-people.ts";

let world: NamedPeople;

beforeAll(async () => {
  world = await createNamedPeople();
});
afterAll(() => world.stop());
beforeEach(() => world.reset());

describe("a list", () => {
  test("may name records by ids and by different keys", async () => {
    const records = [
      { id: "2", create: newcomer("x", { email: "y@x" }), update: { name: "by id" } },
      { key: { email: "ann@x" }, create: newcomer("x"), update: { name: "by email" } },
      { key: { email: "cid@x" }, create: newcomer("Cid"), update: {} },
      {
        key: { team_slug: { team: 4, slug: "dan" } },
        create: { email: "dan@x", number: 4, name: "Dan" },
        update: {},
      },
      { id: "50", create: newcomer("Eve", { email: "eve@x" }), update: {} },
    ];
    for (const errorPolicy of ["SKIP_FAILED", "ALL_OR_NOTHING"]) {
      const task = await world.upsertPeople(records, { errorPolicy });
      expect(task).toMatchObject({ status: "SUCCEEDED", progress: { total: 5, succeeded: 5 } });
      const { task: read } = await world.api.data(`{ task(id: "${task.id}") { status } }`);
      expect(read).toEqual({ status: "SUCCEEDED" });
      expect(await world.people()).toEqual([
        "1 ann@x by email",
        "2 bob@x by id",
        "3 cid@x Cid",
        "4 dan@x Dan",
        "50 eve@x Eve",
      ]);
      const chunks = await world.api.query(
        `SELECT unnest(ids)::int AS id FROM powercrud.chunk WHERE task_id = $1 ORDER BY 1`,
        [task.id],
      );
      expect(chunks.map(({ id }) => id)).toEqual([1, 2, 3, 4, 50]);
    }
  });

  test("is written by set-based statements", async () => {
    await world.api.query(
      `INSERT INTO "Person" (email, team, slug, number, name) SELECT g || '@y', 7, g, 1000 + g, 'old' FROM generate_series(1, 100) g`,
    );
    await world.api.query(`CREATE TABLE noted (verb text);
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO noted VALUES (TG_OP); RETURN NULL; END $$;
      CREATE TRIGGER note AFTER INSERT OR UPDATE ON "Person" FOR EACH STATEMENT EXECUTE FUNCTION note();`);
    const records = Array.from({ length: 200 }, (_, at) => ({
      key: { email: `${at + 1}@y` },
      create: newcomer("new"),
      update: { name: "changed" },
    }));
    expect(await world.upsertPeople(records)).toMatchObject({ progress: { succeeded: 200 } });
    const [{ count }] = await world.api.query("SELECT count(*)::int FROM noted");
    expect(count).toBeLessThanOrEqual(8);
    await world.api.query(`DROP TABLE noted; DROP FUNCTION note CASCADE`);
  });

  test("is refused with the path of a record that it names twice", async () => {
    const row = (name: object): object => ({ ...name, data: { name: "x" } });
    for (const [first, second, field] of [
      [{ id: "1" }, { key: { email: "ann@x" } }, "records.1.key"],
      [{ key: { badge: BADGE } }, { id: "01" }, "records.1.id"],
      [{ key: { email: "new@x" } }, { key: { email: "NEW@x" } }, "records.1.key"],
      [{ key: { team_slug: { team: 1, slug: "ann" } } }, { key: { id: "1" } }, "records.1.id"],
    ] as const) {
      expect(await world.updateEach([row(first), row(second)])).toMatchObject({
        __typename: "ValidationError",
        problems: [{ field, message: expect.stringMatching(/is in records\.0 already/) }],
      });
    }
    expect(await world.people()).toEqual(["1 ann@x Ann", "2 bob@x Bob"]);
  });

  test("reports missing and failed records by their names, and a retry writes the failed ones", async () => {
    expect(
      await world.updateEach([
        { key: { email: "nobody@x" }, data: { name: "x" } },
        { key: { email: "ann@x" }, data: { name: "Anne" } },
      ]),
    ).toMatchObject({
      progress: { succeeded: 1, skipped: 1 },
      errors: [{ recordId: '{"email":"nobody@x"}', outcome: "SKIPPED", code: "RECORD_MISSING", index: 0 }],
    });
    const records = [
      { key: { email: "cid@x" }, create: newcomer("Cid", { host: "dan@x" }), update: {} },
      { key: { email: "bob@x" }, create: newcomer("x"), update: { host: "dan@x" } },
      { key: { email: "eve@x" }, create: newcomer("Eve"), update: {} },
    ];
    const first = await world.upsertPeople(records);
    expect(first).toMatchObject({
      progress: { succeeded: 1, failed: 2 },
      errors: [
        { recordId: '{"email":"cid@x"}', code: "CONSTRAINT_VIOLATED", field: "host", index: 0 },
        { recordId: "2", code: "CONSTRAINT_VIOLATED", field: "host", index: 1 },
      ],
    });
    await world.upsertPerson({ email: "dan@x" }, newcomer("Dan"), {});
    const retried = await world.api.run("retryTask", { id: ["ID!", first.id] });
    expect(retried).toMatchObject({ status: "SUCCEEDED", progress: { total: 2, succeeded: 2 } });
    const hosts = await world.api.query(
      `SELECT email::text FROM "Person" WHERE host_email = 'dan@x' ORDER BY 1`,
    );
    expect(hosts).toEqual([{ email: "bob@x" }, { email: "cid@x" }]);
  });

  describe("with a record that would refer to one that another task holds", () => {
    const upserts = (): readonly object[] => [
      { key: { email: "ann@x" }, create: newcomer("x"), update: { host: "bob@x" } },
      { key: { email: "cid@x" }, create: newcomer("Cid"), update: {} },
      { key: { email: "dan@x" }, create: newcomer("Dan", { host: "bob@x" }), update: {} },
      { key: { email: "eve@x" }, create: newcomer("Eve"), update: {} },
    ];
    const lockedAt = (recordId: string, index: number): object => ({
      recordId,
      index,
      outcome: "FAILED",
      code: "RECORD_LOCKED",
      message: expect.stringMatching(/would refer to Person 2/),
    });
    beforeEach(async () => {
      await world.api.hold([{ model: "Person", ids: ["2"] }]);
    });

    test("upserts the others and reports it", async () => {
      for (const dryRun of [true, false]) {
        expect(await world.upsertPeople(upserts(), { dryRun })).toMatchObject({
          progress: { total: 4, succeeded: 2, failed: 2, skipped: 0 },
          errors: [lockedAt("1", 0), lockedAt('{"email":"dan@x"}', 2)],
          ...(dryRun ? {} : { status: "PARTIAL" }),
        });
      }
      expect((await world.people()).map((person) => person.replace(/^\d+ /, ""))).toEqual([
        "ann@x Ann",
        "bob@x Bob",
        "cid@x Cid",
        "eve@x Eve",
      ]);
    });

    test("updates the others and reports it", async () => {
      await world.upsertPerson({ email: "cid@x" }, newcomer("Cid"), {});
      const toBob = { key: { email: "ann@x" }, data: { host: "bob@x", name: "Anne" } };
      // Rows with other fields are other chunks.
      for (const data of [{ name: "Sid" }, { name: "Tid", host: null }]) {
        expect(await world.updateEach([{ key: { email: "cid@x" }, data }, toBob])).toMatchObject({
          status: "PARTIAL",
          progress: { total: 2, succeeded: 1, failed: 1, skipped: 0 },
          errors: [lockedAt("1", 1)],
        });
      }
      expect(await world.updateEach([toBob])).toMatchObject({
        status: "FAILED",
        progress: { succeeded: 0, failed: 1 },
      });
      expect(await world.people()).toEqual(["1 ann@x Ann", "2 bob@x Bob", "3 cid@x Tid"]);
    });

    test("fails as a whole under ALL_OR_NOTHING and names it as the list does", async () => {
      const [, ...created] = upserts();
      expect(await world.upsertPeople(created, { errorPolicy: "ALL_OR_NOTHING" })).toMatchObject({
        status: "FAILED",
        message: expect.stringContaining('Record {"email":"dan@x"}: It would refer to Person 2'),
        progress: { succeeded: 0, failed: 1 },
        errors: [lockedAt('{"email":"dan@x"}', 1)],
      });
      expect(await world.people()).toEqual(["1 ann@x Ann", "2 bob@x Bob"]);
    });
  });

  test("of a dry run changes nothing", async () => {
    const records = [
      { key: { email: "cid@x" }, create: newcomer("Cid"), update: {} },
      { key: { email: "ann@x" }, create: newcomer("x"), update: { team: 2, slug: "bob" } },
    ];
    expect(await world.upsertPeople(records, { dryRun: true })).toMatchObject({
      progress: { succeeded: 1, failed: 1 },
      errors: [{ recordId: "1", field: "team,slug" }],
    });
    expect(await world.people()).toEqual(["1 ann@x Ann", "2 bob@x Bob"]);
  });
});

describe("between a launch and its chunks", () => {
  /** Starts a task that holds Bob until it is released. */
  async function holdBob(): Promise<() => Promise<void>> {
    const stranger = await world.api.connect();
    await stranger.query(`BEGIN; SELECT FROM "Person" WHERE id = 2 FOR UPDATE`);
    const holding = world.updateEach([{ id: "2", data: { number: 2 } }]);
    await untilWaiting(world.api, { kind: "transactionid" });
    return async () => {
      await stranger.query("COMMIT");
      stranger.release();
      await holding;
    };
  }
  const untilInLine = (count: number): Promise<void> =>
    expect
      .poll(() => world.api.query("SELECT FROM powercrud.task WHERE status = 'WAITING'"))
      .toHaveLength(count);
  const bob = (): object => ({ id: "2", create: newcomer("x", { email: "y@x" }), update: { name: "Bobby" } });

  /** Launches while a task holds Bob, so that it waits; lets it go on after the work. */
  async function whileWaiting(records: readonly object[], work: () => Promise<unknown>): Promise<Answer> {
    const release = await holdBob();
    const running = world.upsertPeople([bob(), ...records], { onConflict: "WAIT" });
    await untilInLine(1);
    await work();
    await release();
    return running;
  }
  const upsertCid = { key: { email: "cid@x" }, create: newcomer("Cid"), update: { name: "changed" } };
  const insert = (email: string): Promise<unknown> =>
    world.api.query(
      `INSERT INTO "Person" (id, email, team, slug, number, name) VALUES (30, $1, 6, 'x', 6, 'other')`,
      [email],
    );

  test("a record that appears is updated", async () => {
    const task = await whileWaiting([upsertCid], () => insert("cid@x"));
    expect(task).toMatchObject({ status: "SUCCEEDED" });
    expect(await world.people()).toEqual(["1 ann@x Ann", "2 bob@x Bobby", "30 cid@x changed"]);
  });

  test("a record that appears and is held by another task is left alone", async () => {
    const task = await whileWaiting([upsertCid], async () => {
      await insert("cid@x");
      await world.api.hold([{ model: "Person", ids: ["30"] }]);
    });
    expect(task).toMatchObject({
      status: "PARTIAL",
      errors: [{ recordId: '{"email":"cid@x"}', code: "RECORD_LOCKED", outcome: "FAILED", index: 1 }],
    });
    expect(await world.people()).toContain("30 cid@x other");
  });

  test("a record whose key moves to a held record is left alone", async () => {
    const upsertAnn = { key: { email: "ann@x" }, create: newcomer("new"), update: { name: "changed" } };
    const task = await whileWaiting([upsertAnn], async () => {
      await world.api.query(`UPDATE "Person" SET email = 'old@x' WHERE id = 1`);
      await insert("ann@x");
      await world.api.hold([{ model: "Person", ids: ["30"] }]);
    });
    expect(task).toMatchObject({ errors: [{ recordId: "1", code: "RECORD_LOCKED" }] });
    expect(await world.people()).toEqual(["1 old@x Ann", "2 bob@x Bobby", "30 ann@x other"]);
  });

  test("a record that loses its key or goes is created anew", async () => {
    const upsertAnn = { key: { email: "ann@x" }, create: newcomer("new"), update: { name: "never" } };
    const task = await whileWaiting([upsertAnn], () =>
      world.api.query(`UPDATE "Person" SET email = 'old@x' WHERE id = 1`),
    );
    expect(task).toMatchObject({ status: "SUCCEEDED" });
    expect(await world.people()).toEqual(["1 old@x Ann", "2 bob@x Bobby", "3 ann@x new"]);
  });

  test("a record that turns out to be another of the list fails", async () => {
    const upsertEve = { id: "30", create: newcomer("x", { email: "eve@x" }), update: { name: "by id" } };
    const task = await whileWaiting([upsertEve, upsertCid], () => insert("cid@x"));
    expect(task).toMatchObject({
      errors: [{ index: 2, code: "CONSTRAINT_VIOLATED", message: expect.stringMatching(/names already/) }],
    });
    expect(await world.people()).toContain("30 cid@x by id");
  });

  test("a record that others refer to by its key is left alone if one of these is held", async () => {
    const rename = { key: { email: "cid@x" }, create: newcomer("x"), update: { email: "sid@x" } };
    const task = await whileWaiting([rename], async () => {
      await insert("cid@x");
      await world.api.query(`UPDATE "Person" SET host_email = 'cid@x' WHERE id = 1`);
      await world.api.hold([{ model: "Person", ids: ["1"] }]);
    });
    expect(task).toMatchObject({ errors: [{ code: "RECORD_LOCKED" }] });
    expect(await world.people()).toContain("30 cid@x other");
  });

  test("a second launch on the same missing record waits for the first", async () => {
    const release = await holdBob();
    const first = world.upsertPeople([bob(), upsertCid], { onConflict: "WAIT" });
    await untilInLine(1);
    expect(await world.upsertPeople([upsertCid])).toMatchObject({ __typename: "ConflictError" });
    const second = world.upsertPeople([{ ...upsertCid, update: { name: "second" } }], { onConflict: "WAIT" });
    await untilInLine(2);
    await release();
    expect(await Promise.all([first, second])).toMatchObject([
      { status: "SUCCEEDED" },
      { status: "SUCCEEDED" },
    ]);
    expect(await world.people()).toEqual(["1 ann@x Ann", "2 bob@x Bobby", "3 cid@x second"]);
  });
});
