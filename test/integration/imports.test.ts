import { describe, expect, it } from "vitest";
import { HEAD, useImports } from "./import-fixture.ts";

const imports = useImports();
const { send, settled, failedFile, cities } = imports;

describe("an import", () => {
  it("writes the rows of a CSV file, and gives back those that failed, to be mended and sent again", async () => {
    const file = [
      HEAD,
      "1,Paris,FR,2100000,48.8,2.3",
      '2,"Lyon, Rhône",FR,many,45.7,4.8',
      "3,Nowhere,XX,1,0,0",
      "1,Paris again,FR,1,0,0",
      "5,Köln,DE,1000000,50.9,6.9",
    ].join("\r\n");
    const first = await settled(await send("City?operation=create&errorPolicy=skip_failed", file));
    expect(first).toMatchObject({
      status: "PARTIAL",
      progress: { total: 5, succeeded: 2, failed: 3, skipped: 0 },
    });
    expect((await cities()).map(({ name }) => name)).toEqual(["Paris", "Köln"]);
    const failed = await failedFile(first.id);
    expect(
      failed.split("\r\n").map((line) => line.replace(/^(\d,\w*,).*?(\d,(?:"Lyon|Nowhere|Paris))/, "$1…$2")),
    ).toEqual([
      `_line,_field,_reason,${HEAD}`,
      expect.stringContaining('2,"Lyon, Rhône",FR,many,45.7,4.8'),
      expect.stringContaining("3,Nowhere,XX,1,0,0"),
      expect.stringContaining("1,Paris again,FR,1,0,0"),
      "",
    ]);
    const mended = failed
      .replace(",many,", ",500000,")
      .replace(",XX,", ",CI,")
      .replace("1,Paris again", "4,Paris again");
    const second = await settled(await send("City?operation=create", mended));
    expect(second).toMatchObject({ status: "SUCCEEDED", progress: { total: 3, succeeded: 3 } });
    expect(await cities()).toHaveLength(5);
  });

  it("reads JSON Lines, looks records up by keys of other models, and links them", async () => {
    const lines = [
      {
        id: 7,
        name: "Abidjan",
        "country.name": "Côte d’Ivoire",
        population: 4_700_000,
        latitude: 5.3,
        longitude: -4,
      },
      {
        id: 8,
        name: "Bonn",
        country: "DE",
        population: 330_000,
        latitude: 50.7,
        longitude: 7.1,
        "tags.label": ["river", "port"],
      },
      {
        id: 9,
        name: "Ghent",
        country: "DE",
        population: 1,
        latitude: 1,
        longitude: 1,
        "tags.label": ["sea"],
      },
      { id: 10, name: "Nine", country: "DE", population: 1, latitude: 1, longitude: 1, colour: "red" },
      "no JSON",
    ].map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
    const task = await settled(
      await send("City?operation=create&errorPolicy=skip_failed", `${lines.join("\n")}\n`, {
        type: "application/x-ndjson",
      }),
    );
    // Country.name is no unique key.
    const failed = (await failedFile(task.id, "jsonl"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(failed).toEqual([
      expect.objectContaining({ _line: 1, id: 7, _reason: expect.stringContaining("names no Country") }),
      expect.objectContaining({
        _line: 3,
        _field: "tags.label",
        _reason: 'City.tags.label: there is no Tag with label "sea".',
      }),
      expect.objectContaining({
        _line: 4,
        _reason: expect.stringContaining('"colour" is no column of City'),
      }),
      { _line: 5, _field: null, _reason: expect.stringContaining("not JSON"), _text: "no JSON" },
    ]);
    expect(await cities()).toMatchObject([{ id: 8, country_code: "DE" }]);
    expect((await imports.client.query('SELECT * FROM "_CityToTag"')).rows).toHaveLength(2);
  });

  it("updates and upserts by a key, and leaves alone what the file does not name", async () => {
    await settled(
      await send("City?operation=create", `${HEAD},notes\n1,Paris,FR,1,2,3,old\n2,Lyon,FR,1,2,3,old`),
    );
    await settled(await send("City?operation=update", 'ID;Population;Notes\n1;2100000;\n2;500000;""'));
    expect(await cities()).toMatchObject([
      { name: "Paris", population: 2_100_000, notes: null },
      { name: "Lyon", population: 500_000, notes: "" },
    ]);
    const upsert = `${HEAD}\n2,Lyons,FR,600000,2,3\n3,Nice,FR,340000,43.7,7.3`;
    const task = await settled(await send("City?operation=upsert", upsert));
    expect(task.progress).toMatchObject({ total: 2, succeeded: 2 });
    expect(await cities()).toMatchObject([
      { name: "Paris" },
      { name: "Lyons", population: 600_000, notes: "" },
      { name: "Nice", notes: null },
    ]);
    const missing = await settled(await send("City?operation=update", "id,population\n99,1\n3,5"));
    expect(missing.progress).toMatchObject({ succeeded: 1, skipped: 1 });
    expect(await failedFile(missing.id)).toContain(",99,1");
  });

  it("names records by a unique key, by which those that are not there are made, under the id that a row gives", async () => {
    const id = "00000000-0000-7000-8000-0000000000aa";
    const file = [
      `{"label":"river","cities":["1"]}`,
      `{"label":"lake","id":"${id.toUpperCase()}","cities":["2"]}`,
      `{"label":"hill","cities":["1","2"]}`,
      `{"label":"river","cities":[]}`,
      `{"label":null,"cities":[]}`,
      `{"label":"cape","id":"no","cities":["1"]}`,
      `{"label":"moor","cities":["9"]}`,
    ].join("\n");
    await settled(await send("City?operation=create", `${HEAD}\n1,Paris,FR,1,2,3\n2,Lyon,FR,1,2,3`));
    const path = "Tag?operation=upsert&key=label&errorPolicy=skip_failed";
    const task = await settled(await send(path, file, { type: "application/jsonl" }));
    expect(task).toMatchObject({ status: "PARTIAL", progress: { total: 7, succeeded: 3, failed: 4 } });
    const failed = (await failedFile(task.id, "jsonl")).trimEnd().split("\n");
    expect(failed.map((line) => JSON.parse(line))).toMatchObject([
      { _line: 4, _reason: "The same Tag is in line 1 already. Give each record once." },
      { _line: 5, _reason: "Give a value: a null names no record.", _field: "key.label" },
      { _line: 6, _reason: expect.stringContaining('"no" is not'), _field: "id" },
      { _line: 7, _reason: "Tag.cities: there is no City 9.", _field: "cities" },
    ]);
    const { rows } = await imports.client.query(`
      SELECT label, id::text, ARRAY(SELECT "A" FROM "_CityToTag" WHERE "B" = id ORDER BY 1) AS cities FROM tag ORDER BY label`);
    expect(rows).toEqual([
      { label: "hill", id: expect.stringMatching(/^0[0-9a-f]{7}-/), cities: [1, 2] },
      { label: "lake", id, cities: [2] },
      { label: "port", id: "00000000-0000-7000-8000-000000000002", cities: [] },
      { label: "river", id: "00000000-0000-7000-8000-000000000001", cities: [1] },
    ]);
    await imports.client.query("DELETE FROM tag WHERE label IN ('hill', 'lake')");
  });

  it("writes nothing under ALL_OR_NOTHING if a row cannot be written, and nothing in a dry run", async () => {
    const answer = await send("City?operation=create", `${HEAD}\n1,Paris,FR,1,2,3\n2,Lyon,FR,x,2,3`);
    expect(answer.body.task).toMatchObject({
      status: "FAILED",
      message: "1 of 2 rows cannot be written, so nothing was changed. Mend them, or use SKIP_FAILED.",
      progress: { total: 2, failed: 1, succeeded: 0 },
    });
    const dry = await settled(
      await send(
        "City?operation=create&dryRun=true&errorPolicy=skip_failed",
        `${HEAD}\n1,Paris,FR,1,2,3\n2,Lyon,FR,x,2,3`,
      ),
    );
    expect(dry).toMatchObject({ isDryRun: true, progress: { succeeded: 1, failed: 1 } });
    expect(await cities()).toEqual([]);
  });

  it("is refused to callers who may not do it, in words, with nothing changed", async () => {
    const file = `${HEAD}\n1,Paris,FR,1,2,3`;
    expect(await send("City?operation=create", file, { viewer: "nobody" })).toMatchObject({ status: 401 });
    expect(await send("City?operation=create", file, { viewer: "eve" })).toMatchObject({
      status: 403,
      body: { errors: [{ message: "You may not create any City.", extensions: { code: "FORBIDDEN" } }] },
    });
    expect(await send("Cty?operation=create", file)).toMatchObject({
      status: 404,
      body: { errors: [{ message: 'There is no model "Cty". Did you mean City?' }] },
    });
    expect(await send("City?opration=create&empty=maybe", file)).toMatchObject({
      status: 400,
      body: {
        errors: [
          {
            message: expect.stringMatching(
              /There is no parameter "opration". Did you mean operation\? empty: needs one of quotes, null, text, not "maybe"/,
            ),
          },
        ],
      },
    });
    expect(await send("City?operation=create", file.replace("name", "nme"))).toMatchObject({
      status: 400,
      body: {
        errors: [
          {
            message: expect.stringContaining('The header "nme" is no column of City. Did you mean name?'),
            extensions: { line: 1, task: { status: "FAILED" } },
          },
        ],
      },
    });
    expect(await cities()).toEqual([]);
  });

  it("answers the same file under the same idempotency key with the first task, and refuses another file", async () => {
    const path = "City?operation=create&idempotencyKey=once";
    const file = `${HEAD}\n1,Paris,FR,1,2,3`;
    const first = await send(path, file);
    await settled(first);
    const again = await send(path, file);
    expect(again).toMatchObject({
      status: 202,
      body: { isDuplicate: true, task: { id: first.body.task.id } },
    });
    expect(await send(path, file.replace("Paris", "Rome"))).toMatchObject({
      status: 409,
      body: { errors: [{ extensions: { code: "IDEMPOTENCY_MISMATCH" } }] },
    });
    expect(await cities()).toHaveLength(1);
  });

  it("is asked for by GraphQL, which tells how much has come, and sent afterwards", async () => {
    const CREATE = `mutation ($input: CreateImportInput!) { createImport(input: $input) {
      __typename ... on Error { code } ... on TaskLaunched { task { id status import { uploadPath failedPath } } } } }`;
    const input = { model: "City", operation: "UPSERT", separator: ";", hasDecimalComma: true };
    expect(await imports.ask(CREATE, { input }, "eve")).toEqual({
      createImport: { __typename: "ForbiddenError", code: "FORBIDDEN" },
    });
    expect(await imports.ask(CREATE, { input: { ...input, key: "nme" } })).toMatchObject({
      createImport: { __typename: "ValidationError" },
    });
    const created = (await imports.ask(CREATE, { input })) as {
      readonly createImport: { readonly task: { readonly id: string } };
    };
    const { id } = created.createImport.task;
    expect(created.createImport.task).toEqual({
      id,
      status: "RECEIVING",
      import: { uploadPath: `/imports/${id}`, failedPath: null },
    });
    const file = `${HEAD.replaceAll(",", ";")}\n1;Paris;FR;2100000;48,85;2,35`;
    expect(await send(id, file, { method: "PUT", viewer: "eve" })).toMatchObject({ status: 404 });
    const form = new FormData();
    form.set("file", new Blob([file], { type: "text/csv" }), "cities.csv");
    const two = new FormData();
    two.set("first", new Blob([file], { type: "text/csv" }), "a.csv");
    two.set("second", new Blob([file], { type: "text/csv" }), "b.csv");
    const both = new Response(two);
    expect(
      await send("City?operation=upsert", await both.arrayBuffer(), {
        type: both.headers.get("content-type") ?? "",
      }),
    ).toMatchObject({
      status: 400,
      body: { errors: [{ message: expect.stringContaining("several files") }] },
    });
    expect(await cities()).toEqual([]);
    const packed = new Response(form);
    const type = packed.headers.get("content-type") ?? "";
    const body = await packed.arrayBuffer();
    await settled(await send(id, body, { method: "PUT", type }));
    const STATE = `query ($id: ID!) { task(id: $id) { status import { rows rejected bytes uploadPath failedPath } } }`;
    expect(await imports.ask(STATE, { id })).toEqual({
      task: {
        status: "SUCCEEDED",
        import: {
          rows: 1,
          rejected: 0,
          bytes: body.byteLength,
          uploadPath: null,
          failedPath: `/tasks/${id}/failed.csv`,
        },
      },
    });
    expect(await send(id, file, { method: "PUT" })).toMatchObject({ status: 409 });
    expect((await imports.client.query("SELECT latitude FROM city")).rows).toEqual([{ latitude: 48.85 }]);
  });
});

/** Ten kinds of bad rows: what is wrong with the row, by its cells. */
const FAULTS: readonly ((cells: string[]) => unknown)[] = [
  (cells) => (cells[3] = "many"),
  (cells) => (cells[3] = "2147483648"),
  (cells) => (cells[4] = "north"),
  (cells) => (cells[2] = "XX"),
  (cells) => (cells[2] = ""),
  (cells) => (cells[1] = ""),
  (cells) => (cells[0] = "one"),
  (cells) => (cells[6] = "GONE"),
  (cells) => cells.pop(),
  (cells) => (cells[0] = "1"),
];

/** One of the files' dialects. */
interface Dialect {
  readonly rows: number;
  readonly separator: string;
  readonly newline: string;
  readonly encoding: BufferEncoding;
  readonly decimal: string;
  /** Whether every cell stands in quotes. */
  readonly isQuoted: boolean;
  readonly hasMark?: boolean;
}

/** One dialect has many rows; `npm run dialects` sends as many in all of them. */
const ROWS = 20_000;
const OTHER_ROWS = Number(process.env["POWERCRUD_DIALECT_ROWS"] ?? 2000);

const DIALECTS: readonly Dialect[] = [
  { rows: ROWS, separator: ",", newline: "\n", encoding: "utf8", decimal: ".", isQuoted: false },
  {
    rows: OTHER_ROWS,
    separator: ";",
    newline: "\r\n",
    encoding: "utf8",
    decimal: ",",
    isQuoted: true,
    hasMark: true,
  },
  { rows: OTHER_ROWS, separator: "\t", newline: "\n", encoding: "latin1", decimal: ".", isQuoted: false },
  {
    rows: OTHER_ROWS,
    separator: "|",
    newline: "\r\n",
    encoding: "utf16le",
    decimal: ",",
    isQuoted: false,
    hasMark: true,
  },
  { rows: OTHER_ROWS, separator: ",", newline: "\r", encoding: "utf8", decimal: ".", isQuoted: true },
];

describe("many rows of which 37 are bad in ten ways", () => {
  const BAD = 37;

  function fileOf(dialect: Dialect, isBad: (at: number) => boolean, step: number): Uint8Array<ArrayBuffer> {
    const { separator, newline, encoding, decimal, isQuoted, hasMark = false, rows: count } = dialect;
    const line = (cells: readonly string[]): string =>
      cells.map((cell) => (isQuoted ? `"${cell.replaceAll('"', '""')}"` : cell)).join(separator);
    const rows = Array.from({ length: count }, (_, at) => {
      const cells = [`${at + 1}`, `Orléans ${at}`, "FR", `${at}`, `48${decimal}5`, `2${decimal}5`, "ACTIVE"];
      if (isBad(at)) {
        FAULTS[Math.floor(at / step) % FAULTS.length]?.(cells);
      }
      return line(cells);
    });
    const text = [line([...HEAD.split(","), "status"]), ...rows].join(newline);
    return new Uint8Array(Buffer.from(`${hasMark ? "\uFEFF" : ""}${text}`, encoding));
  }

  it.each(DIALECTS)(
    "gives exactly these back, and the mended file ends clean: %o",
    async (dialect) => {
      const { rows: count } = dialect;
      const step = Math.floor(count / BAD);
      const isBad = (at: number): boolean => at % step === step - 1 && at < BAD * step;
      const path = `City?operation=create&errorPolicy=skip_failed&empty=null&decimalComma=${dialect.decimal === ","}`;
      const task = await settled(await send(path, new Blob([fileOf(dialect, isBad, step)])));
      expect(task.progress).toMatchObject({ total: count, succeeded: count - BAD, failed: BAD });
      const lines = (await failedFile(task.id)).trimEnd().split("\r\n");
      const bad = Array.from({ length: count }, (_, at) => at).filter(isBad);
      expect(lines.slice(1).map((line) => Number(line.split(dialect.separator)[0]))).toEqual(
        bad.map((at) => at + 2),
      );
      const good = ["Orléans", "FR", "7", `48${dialect.decimal}5`, `2${dialect.decimal}5`, "ACTIVE"];
      // The reason may hold the separator, so the row is taken from the end.
      const mended = bad.map((at) => ["", "", "", `${at + 1}`, ...good].join(dialect.separator));
      const again = await settled(await send(path, [lines[0], ...mended].join("\r\n")));
      expect(again).toMatchObject({ status: "SUCCEEDED", progress: { total: BAD, succeeded: BAD } });
      const { rows } = await imports.client.query(
        "SELECT count(*)::int AS count, max(name) AS name FROM city",
      );
      expect(rows).toEqual([{ count, name: expect.stringContaining("Orléans") }]);
    },
    60_000,
  );
});
