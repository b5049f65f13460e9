import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkFixture } from "./bulk-fixture.ts";
import type { Answer } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

const RECORDS = 10_000;
/** The indexes of the records whose labels are taken. */
const OFFENDERS = [17, 4999, 9000];

/** Each chunk is tried fast and then carefully; then 13 halvings per offender take two statements each. */
const MAX_WRITES = 2 * 2 + OFFENDERS.length * 13 * 2;

let api: BulkFixture;

beforeAll(async () => {
  api = await createBulkFixture();
  // A sequence counts failed statements, too, since it is not rolled back.
  await api.query(`CREATE SEQUENCE writes;
    CREATE FUNCTION count_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('writes'); RETURN NULL; END $$;
    CREATE TRIGGER count_writes BEFORE INSERT OR UPDATE ON tag FOR EACH STATEMENT EXECUTE FUNCTION count_write()`);
});
afterAll(() => api.stop());
beforeEach(async () => {
  await api.query(emptying("tag"));
  await api.query("INSERT INTO tag SELECT uuidv7(), 'taken ' || i FROM unnest($1::int[]) i", [OFFENDERS]);
});

/** The number of statements that write tags during the work. */
async function writesOf(work: () => Promise<unknown>): Promise<number> {
  const read = async (): Promise<number> =>
    Number((await api.query("SELECT last_value FROM writes"))[0].last_value);
  const before = await read();
  await work();
  return (await read()) - before;
}

function labelOf(at: number): string {
  return OFFENDERS.includes(at) ? `taken ${at}` : `free ${at}`;
}

async function settle(mutation: string, args: Parameters<BulkFixture["run"]>[1]): Promise<Answer> {
  const task = await api.run(mutation, args, { errorPolicy: "SKIP_FAILED" });
  expect(task).toMatchObject({
    status: "PARTIAL",
    progress: { total: RECORDS, succeeded: RECORDS - OFFENDERS.length, failed: OFFENDERS.length },
  });
  expect(task.errors).toEqual(
    OFFENDERS.map((index) => ({
      index,
      recordId: expect.any(String),
      outcome: "FAILED",
      field: "label",
      code: "CONSTRAINT_VIOLATED",
      message: `label must be unique: another record has taken ${index}.`,
    })),
  );
  return task;
}

function countFree(): Promise<Answer[]> {
  return api.query("SELECT count(*)::int AS n FROM tag WHERE label LIKE 'free %'");
}

describe(`three offenders among ${RECORDS} records`, () => {
  test("are found by halving when records are created", async () => {
    const data = Array.from({ length: RECORDS }, (_, at) => ({ label: labelOf(at) }));
    const writes = await writesOf(() => settle("bulkCreateTags", { data: ["[TagBulkCreateInput!]!", data] }));
    expect(await countFree()).toEqual([{ n: RECORDS - OFFENDERS.length }]);
    expect(writes).toBeGreaterThan(2 * 13);
    expect(writes).toBeLessThanOrEqual(MAX_WRITES);
  });

  test("are found by halving when each record has its own change", async () => {
    const rows = await api.query(
      `INSERT INTO tag SELECT uuidv7(), 'old ' || i FROM generate_series(1, $1::int) i RETURNING id`,
      [RECORDS],
    );
    const records = rows.map(({ id }, at) => ({ id, data: { label: labelOf(at) } }));
    let errors: Answer[] = [];
    const writes = await writesOf(async () => {
      ({ errors } = await settle("bulkUpdateEachTags", { records: ["[TagUpdateEachInput!]!", records] }));
    });
    expect(errors.map(({ recordId }: Answer) => recordId)).toEqual(OFFENDERS.map((at) => rows[at].id));
    expect(await countFree()).toEqual([{ n: RECORDS - OFFENDERS.length }]);
    expect(writes).toBeLessThanOrEqual(MAX_WRITES);
  });
});
