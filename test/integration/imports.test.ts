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
});
