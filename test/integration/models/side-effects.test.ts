import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Claim } from "../../../src/core/locks/claim.ts";
import { untilWaiting } from "../../support/until-waiting.ts";
import { generateFixture } from "./generate-fixture.ts";
import type { Answer, ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

let generated: Awaited<ReturnType<typeof generateFixture>>;
let api: ModelsFixture;

beforeAll(async () => {
  generated = await generateFixture(join(import.meta.dirname, "effect-models.prisma"));
  api = await createModelsFixture({
    generated: { ...generated, sql: `${generated.sql}${STATEMENT_TRIGGER}` },
    modelOptions: { Safe: { isExposed: false } },
  });
});
afterAll(async () => {
  await api.stop();
});

/** A trigger that counts each statement that updates labels, even one that changes none. */
const STATEMENT_TRIGGER = `
CREATE TABLE noted (label_updates integer);
CREATE FUNCTION note_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO noted VALUES (1);
  RETURN NULL;
END $$;
CREATE TRIGGER note_update BEFORE UPDATE ON "Label" FOR EACH STATEMENT EXECUTE FUNCTION note_update();`;

const [POP, ROCK] = ["0195f8f0-0000-7000-8000-000000000001", "0195f8f0-0000-7000-8000-000000000002"];

beforeEach(async () => {
  await api.query(emptying(`"Artist", "Label", "Folder", "Coin", "Review", powercrud.task`));
  await api.query(`DELETE FROM powercrud.lock`);
  await api.query(
    `INSERT INTO "Artist" (id, name, code) VALUES (1, 'Nobody', NULL), (2, 'Ann', 'a'), (3, 'Bob', 'b')`,
  );
  await api.query(`INSERT INTO "Album" VALUES (2, 1), (2, 2), (3, 1)`);
  await api.query(`INSERT INTO "Track" VALUES (21, 2, 1), (22, 2, 2), (31, 3, 1)`);
  await api.query(`INSERT INTO "Review" VALUES (210, 2, 1), (310, 3, 1)`);
  await api.query(`INSERT INTO "Poster" VALUES (20, 2), (30, 3)`);
  await api.query(`INSERT INTO "Safe" VALUES (2), (3)`);
  await api.query(`INSERT INTO "Coin" VALUES (200, 2), (300, 3)`);
  await api.query(`INSERT INTO "Label" VALUES ('${POP}', 'pop'), ('${ROCK}', 'rock')`);
  await api.query(`INSERT INTO "_LabelToTrack" VALUES ('${POP}', 21), ('${ROCK}', 31)`);
  await api.query(`INSERT INTO "Folder" VALUES (1, NULL), (2, 1), (3, 2), (4, NULL), (5, 4)`);
});

const REFUSAL = `__typename ... on Error { message } ... on ConflictError { totalConflicts conflicts { model recordId heldBy { id } } }`;

async function write(field: string): Promise<Answer> {
  return (await api.data(`mutation { result: ${field} { ${REFUSAL} } }`)).result;
}

function compositeId(...parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

async function count(table: string): Promise<unknown> {
  return (await api.query(`SELECT count(*)::int AS n FROM "${table}"`))[0]?.["n"];
}

describe("deleting a record is refused while a task holds", () => {
  test.each<[string, string, string]>([
    ["a record that goes with it", "Album", compositeId("2", "1")],
    ["a record that goes with one of those", "Track", "22"],
    ["a record that would lose its reference", "Review", "210"],
    ["a record that would fall back to a default", "Poster", "20"],
    ["a record behind a table that is not in the API", "Coin", "200"],
    ["a record that one of those is linked with", "Label", POP ?? ""],
  ])("%s", async (_what, model, id) => {
    const { task, release } = await api.hold([{ model, ids: [id] }]);
    expect(await write(`deleteArtist(id: "2")`)).toMatchObject({
      __typename: "ConflictError",
      totalConflicts: 1,
      conflicts: [{ model, recordId: id, heldBy: { id: task.id } }],
    });
    expect(await count("Artist")).toBe(3);
    expect(await count("Track")).toBe(3);
    expect(await write(`deleteArtist(id: "3")`)).toMatchObject({ __typename: "DeleteArtistPayload" });
    await release();
    await api.query(`UPDATE "Agent" SET "artistCode" = NULL`);
    expect(await write(`deleteArtist(id: "2")`)).toMatchObject({ __typename: "DeleteArtistPayload" });
    expect(await count("Track")).toBe(0);
  });

  test("a record deep in its tree, of its own or of a linked one", async () => {
    const { release } = await api.hold([{ model: "Folder", ids: ["3"] }]);
    expect(await write(`deleteFolder(id: "1")`)).toMatchObject({ conflicts: [{ recordId: "3" }] });
    await release();
    await api.query(`INSERT INTO "_links" VALUES (3, 5)`);
    await api.hold([{ model: "Folder", ids: ["5"] }]);
    expect(await write(`deleteFolder(id: "1")`)).toMatchObject({ conflicts: [{ recordId: "5" }] });
    await api.query(`UPDATE "Folder" SET "parentId" = 5 WHERE id = 4`);
    expect(await write(`deleteFolder(id: "4")`)).toMatchObject({ conflicts: [{ recordId: "5" }] });
    await api.query(`DELETE FROM powercrud.lock`);
    expect(await write(`deleteFolder(id: "4")`)).toMatchObject({ __typename: "DeleteFolderPayload" });
    expect(await write(`deleteFolder(id: "1")`)).toMatchObject({ __typename: "DeleteFolderPayload" });
    expect(await count("Folder")).toBe(0);
  });

  test("a record that it is linked with, from either side", async () => {
    const { release } = await api.hold([{ model: "Track", ids: ["21"] }]);
    expect(await write(`deleteLabel(id: "${POP}")`)).toMatchObject({ conflicts: [{ model: "Track" }] });
    expect(await write(`deleteLabel(id: "${ROCK}")`)).toMatchObject({ __typename: "DeleteLabelPayload" });
    await release();
    await api.hold([{ model: "Label", ids: [POP ?? ""] }]);
    expect(await write(`deleteTrack(id: "21")`)).toMatchObject({
      conflicts: [{ model: "Label", recordId: POP }],
    });
  });

  test("a whole model, but only if it has dependents there", async () => {
    await api.hold([{ model: "Review", ids: "all" }]);
    expect(await write(`deleteArtist(id: "2")`)).toMatchObject({
      conflicts: [{ model: "Review", recordId: null }],
    });
    expect(await write(`deleteArtist(id: "1")`)).toMatchObject({ __typename: "DeleteArtistPayload" });
  });
});

test("references that restrict a delete are still refused by the database", async () => {
  await api.query(`INSERT INTO "Agent" VALUES (1, 'a')`);
  await api.hold([{ model: "Agent", ids: ["1"] }]);
  expect(await write(`deleteArtist(id: "2")`)).toMatchObject({ __typename: "ValidationError" });
});

test("setting links is refused while a task holds a record whose link it removes", async () => {
  const { release } = await api.hold([{ model: "Label", ids: [POP ?? ""] }]);
  expect(await write(`updateTrack(id: "21", data: {labels: {set: ["${ROCK}"]}})`)).toMatchObject({
    __typename: "ConflictError",
    conflicts: [{ model: "Label", recordId: POP }],
  });
  expect(await count("_LabelToTrack")).toBe(2);
  expect(await write(`updateTrack(id: "31", data: {labels: {set: []}})`)).toMatchObject({
    __typename: "UpdateTrackPayload",
  });
  await release();
  expect(await write(`updateTrack(id: "21", data: {labels: {set: []}})`)).toMatchObject({
    __typename: "UpdateTrackPayload",
  });
});

test("changing a referenced key is refused while a task holds a record that would follow", async () => {
  await api.query(`INSERT INTO "Agent" VALUES (1, 'a')`);
  const { release } = await api.hold([{ model: "Agent", ids: ["1"] }]);
  expect(await write(`updateArtist(id: "2", data: {code: "z"})`)).toMatchObject({
    conflicts: [{ model: "Agent", recordId: "1" }],
  });
  expect(await write(`updateArtist(id: "2", data: {name: "Zoe"})`)).toMatchObject({
    __typename: "UpdateArtistPayload",
  });
  await release();
  expect(await write(`updateArtist(id: "2", data: {code: "z"})`)).toMatchObject({
    __typename: "UpdateArtistPayload",
  });
  expect(await api.query(`SELECT "artistCode" FROM "Agent"`)).toEqual([{ artistCode: "z" }]);
});

describe("a new dependent of a held record", () => {
  test.each([
    ["created", `createPoster(data: {id: 40, artistId: 2})`],
    ["created with a composite reference", `createReview(data: {id: 400, artistId: 2, number: 1})`],
    ["created, its own key a part of the reference", `createAlbum(data: {artistId: 2, number: 9})`],
    ["created by a reference to no key", `createAgent(data: {id: 1, artistCode: "a"})`],
    ["created behind a table that is not in the API", `createCoin(data: {id: 400, safeId: 2})`],
    ["linked", `updatePoster(id: "30", data: {artistId: 2})`],
    ["put in its place", `upsertPoster(id: "30", create: {id: 30, artistId: 3}, update: {artistId: 2})`],
  ])("is not %s", async (_what, field) => {
    const claims = [
      { model: "Artist", ids: ["2"] },
      { model: "Album", ids: [compositeId("2", "1")] },
    ];
    const { task, release } = await api.hold(claims);
    const before = [await count("Poster"), await count("Review"), await count("Album"), await count("Coin")];
    expect(await write(field)).toMatchObject({
      __typename: "ConflictError",
      totalConflicts: 1,
      conflicts: [{ heldBy: { id: task.id } }],
    });
    expect([await count("Poster"), await count("Review"), await count("Album"), await count("Coin")]).toEqual(
      before,
    );
    await release();
    expect((await write(field)).__typename).toMatch(/Payload$/);
  });

  test("is not created by a default either, but may be created for another record", async () => {
    await api.hold([{ model: "Artist", ids: ["1"] }]);
    expect(await write(`createPoster(data: {id: 40})`)).toMatchObject({
      conflicts: [{ model: "Artist", recordId: "1" }],
    });
    expect(await write(`createPoster(data: {id: 40, artistId: 2})`)).toMatchObject({
      __typename: "CreatePosterPayload",
    });
    expect(await write(`updatePoster(id: "30", data: {artistId: 3})`)).toMatchObject({
      __typename: "UpdatePosterPayload",
    });
  });
});

describe("there is no gap", () => {
  test("between the check and the write for a claim on dependents", async () => {
    const claims: readonly Claim[] = [{ model: "Track", ids: ["21"] }];
    const stranger = await api.connect();
    await stranger.query("BEGIN");
    // The delete locks its record, checks, guards, and then waits for this row.
    await stranger.query(`SELECT FROM "Review" WHERE id = 210 FOR UPDATE`);
    const deleted = write(`deleteArtist(id: "2")`);
    await untilWaiting(api, { kind: "transactionid" });
    const held = api.hold(claims);
    await untilWaiting(api, { kind: "advisory" });
    await stranger.query("ROLLBACK");
    stranger.release();
    expect(await deleted).toMatchObject({ __typename: "DeleteArtistPayload" });
    await held;
    expect(await count("Track")).toBe(1);
  });

  test.each([
    ["to the record", "Poster", `UPDATE "Poster" SET "artistId" = 2 WHERE id = 30`],
    ["to one that goes along", "Review", `UPDATE "Review" SET "artistId" = 2, number = 1 WHERE id = 310`],
  ])("for a reference %s that its task makes meanwhile", async (_what, model, statement) => {
    const id = model === "Poster" ? "30" : "310";
    await api.hold([{ model, ids: [id] }]);
    const chunk = await api.connect();
    await chunk.query("BEGIN");
    await chunk.query(statement);
    const deleted = write(`deleteArtist(id: "2")`);
    await untilWaiting(api, { kind: "transactionid" });
    await chunk.query("COMMIT");
    chunk.release();
    expect(await deleted).toMatchObject({ conflicts: [{ model, recordId: id }] });
    expect(await api.query(`SELECT "artistId" FROM "${model}" WHERE id = ${id}`)).toEqual([{ artistId: 2 }]);
  });

  test("and no deadlock with claims on the same models, in any order", async () => {
    const holdAndRelease = async (_value: unknown, at: number): Promise<void> => {
      const models = ["Label", "Track", "Album", "Artist", "Poster"];
      const { release } = await api.hold(models.map((model) => ({ model, ids: [`of task ${at}`] })));
      await release();
    };
    await api.query(`INSERT INTO "Artist" (id, name) SELECT g, 'x' FROM generate_series(100, 139) g`);
    await api.query(`INSERT INTO "Album" SELECT g, 1 FROM generate_series(100, 139) g`);
    await api.query(`INSERT INTO "Track" SELECT g, g, 1 FROM generate_series(100, 139) g`);
    const [results] = await Promise.all([
      Promise.all(Array.from({ length: 40 }, (_, at) => write(`deleteArtist(id: "${100 + at}")`))),
      Promise.all(Array.from({ length: 40 }, holdAndRelease)),
    ]);
    expect(results.map((result) => result.__typename)).toEqual(results.map(() => "DeleteArtistPayload"));
  });
});

test("a write that is refused for a held record does not run the app's statement triggers", async () => {
  const { release } = await api.hold([{ model: "Label", ids: [POP ?? ""] }]);
  const update = `updateLabel(id: "${POP}", data: {name: "punk"})`;
  expect(await write(update)).toMatchObject({ __typename: "ConflictError" });
  expect(await count("noted")).toBe(0);
  await release();
  expect(await write(update)).toMatchObject({ __typename: "UpdateLabelPayload" });
  expect(await count("noted")).toBe(1);
});

describe("its price", () => {
  beforeEach(() => api.query(`INSERT INTO "Agent" VALUES (1, 'b')`));

  const statements = async (field: string): Promise<number> => {
    api.sql.length = 0;
    await write(field);
    return api.sql.length;
  };

  test("is nothing without possible dependents: guard and change are one statement", async () => {
    const plain = await statements(`updateArtist(id: "2", data: {name: "x"})`);
    expect(plain).toBe(1);
    expect(await statements(`deleteCoin(id: "200")`)).toBe(plain);
    expect(await statements(`updateAgent(id: "1", data: {artistCode: null})`)).toBe(plain);
  });

  test("is a look-up and a guard if the record gets a new reference", async () => {
    const plain = await statements(`updateArtist(id: "2", data: {name: "x"})`);
    // In a transaction with immediate constraints, which take four more.
    expect(await statements(`updateCoin(id: "200", data: {safeId: 3})`)).toBe(plain + 2 + 4);
  });

  test("does not grow with the number of records", async () => {
    const few = await statements(`deleteArtist(id: "2")`);
    await api.query(`INSERT INTO "Artist" (id, name) VALUES (9, 'Many')`);
    await api.query(`INSERT INTO "Album" VALUES (9, 1)`);
    await api.query(`INSERT INTO "Safe" VALUES (9)`);
    await api.query(`INSERT INTO "Track" SELECT g, 9, 1 FROM generate_series(1000, 30999) g`);
    await api.query(`INSERT INTO "_LabelToTrack" SELECT '${POP}', g FROM generate_series(1000, 1999) g`);
    const { release } = await api.hold([{ model: "Track", ids: ["30999"] }]);
    expect(await write(`deleteArtist(id: "9")`)).toMatchObject({
      conflicts: [{ model: "Track", recordId: "30999" }],
    });
    await release();
    expect(await statements(`deleteArtist(id: "9")`)).toBe(few);
    expect(await count("Track")).toBe(1);
  });
});
