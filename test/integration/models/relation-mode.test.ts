import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkModels } from "./bulk-models.ts";
import type { Answer } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

let api: BulkFixture;

beforeAll(async () => {
  api = await createBulkModels("relation-mode.prisma", { models: { Note: { isExposed: false } } });
});
afterAll(() => api.stop());

const TABLES = [
  "Artist",
  "Album",
  "Track",
  "Note",
  "Poster",
  "Fan",
  "Agent",
  "Plain",
  "Tag",
  "_ArtistToTag",
  "Folder",
];

/** Artist 1 has one of everything that does not keep it; artist 2 has nothing; 3 is kept by a fan, 4 by a note of a track. */
beforeEach(async () => {
  await api.query(emptying(`${TABLES.map((table) => `"${table}"`).join(", ")}, powercrud.task`));
  await api.query(`
    INSERT INTO "Artist" VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd');
    INSERT INTO "Album" VALUES (1, 1), (4, 4);
    INSERT INTO "Track" VALUES (1, 1), (4, 4);
    INSERT INTO "Note" VALUES (4, 4);
    INSERT INTO "Poster" VALUES (1, 1);
    INSERT INTO "Fan" VALUES (3, 3);
    INSERT INTO "Agent" VALUES (1, 'a');
    INSERT INTO "Tag" VALUES (1);
    INSERT INTO "_ArtistToTag" VALUES (1, 1);
    INSERT INTO "Folder" VALUES (1, NULL), (2, 1), (3, NULL)`);
});

/** All rows of the tables as lists of values. */
async function rowsOf(...tables: readonly string[]): Promise<Record<string, unknown[][]>> {
  const found: Record<string, unknown[][]> = {};
  for (const table of tables) {
    const rows = await api.query(`SELECT * FROM "${table}" ORDER BY 1`);
    found[table] = rows.map((row) => Object.values(row as object));
  }
  return found;
}

const SKIP = { errorPolicy: "SKIP_FAILED" };
const ERROR =
  "__typename ... on Error { code message } ... on ValidationError { problems { field message } }";

/** The result of a single mutation. */
async function write(mutation: string): Promise<Answer> {
  return (await api.data(`mutation { it: ${mutation} { ${ERROR} } }`)).it;
}

const ids = (...list: number[]): readonly [string, unknown] => [
  "ArtistSelection!",
  { ids: list.map(String) },
];

const WITHOUT_1 = {
  Artist: [
    [2, "b"],
    [3, "c"],
    [4, "d"],
  ],
  Album: [[4, 4]],
  Track: [[4, 4]],
  Poster: [[1, null]],
  Agent: [[1, null]],
  _ArtistToTag: [],
};

describe("a delete takes along, and lets go of, what the relations say", () => {
  test("by a single write", async () => {
    expect(await write(`deleteArtist(id: "1")`)).toMatchObject({ __typename: "DeleteArtistPayload" });
    expect(await rowsOf(...Object.keys(WITHOUT_1))).toEqual(WITHOUT_1);
  });

  test.each(["SKIP_FAILED", "ALL_OR_NOTHING"])("in bulk, %s", async (errorPolicy) => {
    expect(await api.run("bulkDeleteArtists", { selection: ids(1) }, { errorPolicy })).toMatchObject({
      status: "SUCCEEDED",
      progress: { succeeded: 1 },
    });
    expect(await rowsOf(...Object.keys(WITHOUT_1))).toEqual(WITHOUT_1);
  });
});

describe("a delete of a record that others keep is refused, and changes nothing", () => {
  test.each([
    [3, "It is still referred to by records of Fan."],
    [4, "It is still referred to by records of Note."],
  ])("of artist %i", async (id, message) => {
    const before = await rowsOf(...TABLES);
    expect(await write(`deleteArtist(id: "${id}")`)).toMatchObject({ code: "CONSTRAINT_VIOLATED", message });
    expect(await api.run("bulkDeleteArtists", { selection: ids(id) })).toMatchObject({
      status: "FAILED",
      errors: [{ recordId: String(id), code: "CONSTRAINT_VIOLATED", message }],
    });
    expect(
      await api.run("bulkDeleteArtists", { selection: ids(1, 2, id) }, { errorPolicy: "ALL_OR_NOTHING" }),
    ).toMatchObject({ status: "FAILED", progress: { succeeded: 0 } });
    expect(await rowsOf(...TABLES)).toEqual(before);
  });

  test("but others of the same task are deleted", async () => {
    expect(await api.run("bulkDeleteArtists", { selection: ids(1, 2, 3, 4) }, SKIP)).toMatchObject({
      status: "PARTIAL",
      progress: { succeeded: 2, failed: 2 },
    });
    expect(await rowsOf("Artist", "Album", "Track", "Poster")).toEqual({
      Artist: [
        [3, "c"],
        [4, "d"],
      ],
      Album: [[4, 4]],
      Track: [[4, 4]],
      Poster: [[1, null]],
    });
  });

  test("but a tree goes as a whole", async () => {
    const selection = ["FolderSelection!", { ids: ["1"] }] as const;
    expect(await api.run("bulkDeleteFolders", { selection })).toMatchObject({ status: "FAILED" });
    const both = ["FolderSelection!", { ids: ["1", "2"] }] as const;
    expect(await api.run("bulkDeleteFolders", { selection: both })).toMatchObject({ status: "SUCCEEDED" });
    expect(await rowsOf("Folder")).toEqual({ Folder: [[3, null]] });
  });
});

describe("a reference to nobody is refused", () => {
  const nobody = "artistId: there is no record 99 to refer to.";

  test("by single writes", async () => {
    for (const mutation of [
      `createAlbum(data: {id: 9, artistId: 99})`,
      `updateAlbum(id: "1", data: {artistId: 99})`,
      `upsertAlbum(id: "9", create: {id: 9, artistId: 99}, update: {})`,
      `upsertAlbum(id: "1", create: {id: 1, artistId: 1}, update: {artistId: 99})`,
    ]) {
      expect([mutation, await write(mutation)]).toMatchObject([
        mutation,
        { __typename: "ValidationError", code: "CONSTRAINT_VIOLATED", message: nobody },
      ]);
    }
    expect(await rowsOf("Album")).toEqual({
      Album: [
        [1, 1],
        [4, 4],
      ],
    });
  });

  test("in bulk, record by record", async () => {
    const data = [
      { id: 8, artistId: 1 },
      { id: 9, artistId: 99 },
    ];
    const failed = { errors: [{ recordId: "9", code: "CONSTRAINT_VIOLATED", message: nobody }] };
    expect(
      await api.run("bulkCreateAlbums", { data: ["[AlbumBulkCreateInput!]!", data] }, SKIP),
    ).toMatchObject({
      status: "PARTIAL",
      progress: { succeeded: 1, failed: 1 },
      ...failed,
    });
    const each = [
      { id: "1", data: { artistId: 2 } },
      { id: "4", data: { artistId: 99 } },
    ];
    expect(
      await api.run("bulkUpdateEachAlbums", { records: ["[AlbumUpdateEachInput!]!", each] }, SKIP),
    ).toMatchObject({ status: "PARTIAL", errors: [{ recordId: "4", message: nobody }] });
    const upserts = [{ id: "9", create: { id: 9, artistId: 99 }, update: {} }];
    expect(await api.run("bulkUpsertAlbums", { records: ["[AlbumUpsertInput!]!", upserts] })).toMatchObject({
      status: "FAILED",
      ...failed,
    });
    expect(
      await api.run(
        "bulkUpdateAlbums",
        {
          selection: ["AlbumSelection!", { ids: ["1", "4"] }],
          data: ["AlbumBulkUpdateInput!", { artistId: { set: 99 } }],
        },
        SKIP,
      ),
    ).toMatchObject({ status: "FAILED", progress: { failed: 2 } });
    expect(await rowsOf("Album")).toEqual({
      Album: [
        [1, 2],
        [4, 4],
        [8, 1],
      ],
    });
  });

  test("also over a join table", async () => {
    expect(await write(`updateTag(id: "1", data: {artists: {add: ["99"]}})`)).toMatchObject({
      __typename: "ValidationError",
      message: expect.stringContaining("there is no Artist 99"),
    });
    const data = [
      { id: 8, artists: ["2"] },
      { id: 9, artists: ["99"] },
    ];
    expect(await api.run("bulkCreateTags", { data: ["[TagBulkCreateInput!]!", data] }, SKIP)).toMatchObject({
      message: expect.stringContaining("there is no Artist 99"),
    });
    expect(await rowsOf("_ArtistToTag")).toEqual({ _ArtistToTag: [[1, 1]] });
    // One that goes between the launch and the write.
    await api.query(
      'CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM "Artist" WHERE id = 2; RETURN NEW; END $$',
    );
    await api.query(`CREATE TRIGGER gone BEFORE INSERT ON "Tag" FOR EACH ROW EXECUTE FUNCTION gone()`);
    try {
      const late = [{ id: 8, artists: ["2"] }];
      expect(await api.run("bulkCreateTags", { data: ["[TagBulkCreateInput!]!", late] }, SKIP)).toMatchObject(
        {
          status: "FAILED",
          errors: [{ recordId: "8", message: expect.stringContaining("there is no record 2 to refer to") }],
        },
      );
    } finally {
      await api.query(`DROP TRIGGER gone ON "Tag"`);
    }
  });

  test("but records of one list may refer to each other", async () => {
    const data = [
      { id: 11, parentId: 12 },
      { id: 12, parentId: null },
    ];
    expect(await api.run("bulkCreateFolders", { data: ["[FolderBulkCreateInput!]!", data] })).toMatchObject({
      status: "SUCCEEDED",
    });
  });
});

describe("another value of a field that others refer to", () => {
  const CODES = {
    Artist: [
      [1, "z"],
      [2, "b"],
      [3, "c"],
      [4, "d"],
    ],
    Agent: [[1, "z"]],
  };

  test("is passed on", async () => {
    expect(await write(`updateArtist(id: "1", data: {code: "z"})`)).toMatchObject({
      __typename: "UpdateArtistPayload",
    });
    expect(await rowsOf("Artist", "Agent")).toEqual(CODES);
    const data = ["ArtistBulkUpdateInput!", { code: { set: null } }] as const;
    expect(await api.run("bulkUpdateArtists", { selection: ids(1), data })).toMatchObject({
      status: "SUCCEEDED",
    });
    expect(await rowsOf("Agent")).toEqual({ Agent: [[1, null]] });
  });

  test("is refused where others keep it", async () => {
    await api.query(`INSERT INTO "Plain" VALUES (1, 'a')`);
    const message = "It is still referred to by records of Plain.";
    expect(await write(`updateArtist(id: "1", data: {code: "z"})`)).toMatchObject({ message });
    const each = [
      { id: "1", data: { code: "z" } },
      { id: "2", data: { code: "y" } },
    ];
    expect(
      await api.run("bulkUpdateEachArtists", { records: ["[ArtistUpdateEachInput!]!", each] }, SKIP),
    ).toMatchObject({ status: "PARTIAL", errors: [{ recordId: "1", message }] });
    // The value that it has already changes nothing.
    expect(await write(`updateArtist(id: "1", data: {code: "a"})`)).toMatchObject({
      __typename: "UpdateArtistPayload",
    });
  });
});

describe("the records that change along", () => {
  test("are locked with the task, and refuse it while another task has them", async () => {
    const holder = await api.hold([{ model: "Track", ids: ["1"] }]);
    const conflict = { code: "CONFLICT", message: expect.stringContaining("Track 1 is held by task") };
    expect(await write(`deleteArtist(id: "1")`)).toMatchObject(conflict);
    expect(await api.run("bulkDeleteArtists", { selection: ids(1) })).toMatchObject(conflict);
    await holder.release();
    expect(await write(`deleteArtist(id: "1")`)).toMatchObject({ __typename: "DeleteArtistPayload" });
  });

  test("cannot appear while the record is deleted", async () => {
    const connection = await api.connect();
    try {
      await connection.query("BEGIN");
      await connection.query(`DELETE FROM "Artist" WHERE id = 2`);
      const creating = write(`createAlbum(data: {id: 9, artistId: 2})`);
      await connection.query("COMMIT");
      expect(await creating).toMatchObject({ code: "CONSTRAINT_VIOLATED" });
    } finally {
      connection.release();
    }
    expect(await rowsOf("Album")).toEqual({
      Album: [
        [1, 1],
        [4, 4],
      ],
    });
  });

  test("stay in a dry run", async () => {
    const before = await rowsOf(...TABLES);
    expect(
      await api.run("bulkDeleteArtists", { selection: ids(1, 3) }, { ...SKIP, dryRun: true }),
    ).toMatchObject({
      progress: { succeeded: 1, failed: 1 },
    });
    expect(await rowsOf(...TABLES)).toEqual(before);
  });
});
