import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ModelOptionsMap } from "../../../src/index.ts";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkFixture } from "./bulk-fixture.ts";
import { untilWaiting } from "../../support/until-waiting.ts";
import { emptying } from "../../support/empty-tables.ts";

/** How often a hook ran. */
let updates = 0;

const APP: ModelOptionsMap = {
  Tag: { hooks: { beforeUpdate: () => void (updates += 1) } },
};

/** A language keeps its name, and each try is noted; new ones may be dropped, or stored under another key. */
const TRIGGERS = `
CREATE TABLE tries (code text);
CREATE FUNCTION keep_language() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO tries VALUES (OLD.code);
  RETURN NULL;
END $$;
CREATE TRIGGER keep_language BEFORE UPDATE ON language FOR EACH ROW EXECUTE FUNCTION keep_language();
CREATE FUNCTION change_language() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.name = 'drop' THEN RETURN NULL; END IF;
  IF NEW.name = 'move' THEN NEW.code := 'xx'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER change_language BEFORE INSERT ON language FOR EACH ROW EXECUTE FUNCTION change_language();`;

const ERROR = "... on Error { code message }";

let api: BulkFixture;

beforeAll(async () => {
  api = await createBulkFixture({ models: APP });
}, 120_000);
afterAll(() => api.stop());
beforeEach(async () => {
  updates = 0;
  await api.query(emptying("city, country, language, tag, powercrud.task"));
});

async function write(mutation: string, on = api): Promise<unknown> {
  const { answer } = await on.data(`mutation { answer: ${mutation} { __typename ${ERROR} } }`);
  return answer;
}

describe("a text key with more spaces than its column holds", () => {
  const named = { code: "VALIDATION_FAILED", __typename: "ValidationError" };

  it("is refused, since PostgreSQL would store it as another key", async () => {
    expect(await write(`createCountry(data: {code: "QQ ", name: "q", continent: AFRICA})`)).toMatchObject(
      named,
    );
    expect(
      await write(
        `upsertCountry(id: "QQ ", create: {name: "q", continent: AFRICA, code: "QQ "}, update: {name: "z"})`,
      ),
    ).toMatchObject(named);
    expect(await api.query("SELECT FROM country")).toEqual([]);
  });

  it("does not get around the lock on the key without the spaces", async () => {
    const { release } = await api.hold([{ model: "Country", ids: ["WW"] }]);
    const create = (code: string): Promise<unknown> =>
      write(`createCountry(data: {code: "${code}", name: "q", continent: AFRICA})`);
    expect(await create("WW")).toMatchObject({ __typename: "ConflictError" });
    expect(await create("WW ")).toMatchObject(named);
    expect(await api.query("SELECT FROM country")).toEqual([]);
    await release();
  });
});

it("an upsert that the database refuses as an update runs its hooks once", async () => {
  const [red, blue] = ["1", "2"].map((end) => `0195f8f0-0000-7000-8000-00000000000${end}`);
  await api.query(`INSERT INTO tag (id, label) VALUES ('${red}', 'red'), ('${blue}', 'blue')`);
  expect(
    await write(`upsertTag(id: "${red}", create: {label: "blue"}, update: {label: "blue"})`),
  ).toMatchObject({ code: "CONSTRAINT_VIOLATED" });
  expect(updates).toBe(1);
});

it("a write that waited at the gate finds the record that was committed meanwhile", async () => {
  const gate = await api.connect();
  await gate.query("BEGIN; SELECT powercrud.enter_locks(ARRAY['Language'], true)");
  const waiting = write(`updateLanguage(id: "lb", data: {name: "Luxembourgish"})`);
  await untilWaiting(api, { kind: "advisory" });
  await api.query("INSERT INTO language VALUES ('lb', 'new')");
  await gate.query("COMMIT");
  gate.release();
  expect(await waiting).toMatchObject({ __typename: "UpdateLanguagePayload" });
  expect(await api.query("SELECT name FROM language")).toEqual([{ name: "Luxembourgish" }]);
});

describe("a trigger of the app", () => {
  let kept: BulkFixture;

  beforeAll(async () => {
    kept = await createBulkFixture({ sql: TRIGGERS });
  }, 120_000);
  afterAll(() => kept.stop());
  beforeEach(() => kept.query(emptying("language")));

  it("that keeps a record as it is leaves no trace of a write that is refused", async () => {
    await kept.query("INSERT INTO language VALUES ('fr', 'French')");
    expect(await write(`updateLanguage(id: "fr", data: {name: "x"})`, kept)).toMatchObject({
      __typename: "NotFoundError",
    });
    expect(await kept.query("SELECT FROM tries")).toEqual([]);
  });

  it.each(["drop", "move"])("that does not keep a new record as it is (%s) refuses it", async (name) => {
    const refused = { __typename: "ValidationError", code: "CONSTRAINT_VIOLATED" };
    expect(await write(`createLanguage(data: {code: "de", name: "${name}"})`, kept)).toMatchObject(refused);
    expect(
      await write(
        `upsertLanguage(id: "de", create: {code: "de", name: "${name}"}, update: {name: "x"})`,
        kept,
      ),
    ).toMatchObject(refused);
    expect(await kept.query("SELECT FROM language")).toEqual([]);
  });
});

it("a database whose transactions are REPEATABLE READ by default is written to all the same", async () => {
  const sql = `DO $$ BEGIN EXECUTE format(
    'ALTER DATABASE %I SET default_transaction_isolation = %L', current_database(), 'repeatable read'); END $$`;
  const strict = await createBulkFixture({ sql });
  try {
    expect(await write(`createLanguage(data: {code: "fr", name: "French"})`, strict)).toMatchObject({
      __typename: "CreateLanguagePayload",
    });
    expect(await write(`updateLanguage(id: "fr", data: {name: "x"})`, strict)).toMatchObject({
      __typename: "UpdateLanguagePayload",
    });
  } finally {
    await strict.stop();
  }
});
