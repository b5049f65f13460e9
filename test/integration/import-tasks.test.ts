import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { graphql } from "graphql";
import { afterEach, describe, expect, it } from "vitest";
import { HEAD, useImports } from "./import-fixture.ts";

const imports = useImports();
const { send, settled, failedFile, cities } = imports;

/** What the file of these tests does with two cities that are there. */
const CHANGES = "id,population\n1,100\n2,200";

async function launch(source: string): Promise<string> {
  const { schema } = imports.service.powercrud;
  const contextValue = { viewer: { id: "ada", roles: ["editor"] } };
  const { data, errors } = await graphql({ schema, source: `mutation { it: ${source} }`, contextValue });
  expect(errors).toBeUndefined();
  const launched = data?.["it"] as { readonly task: { readonly id: string } } | undefined;
  return launched?.task.id ?? "";
}

/** Makes two cities, and a task that holds the first until the test ends its transaction. */
async function holdFirst(): Promise<string> {
  await settled(await send("City?operation=create", `${HEAD}\n1,Paris,FR,1,2,3\n2,Lyon,FR,1,2,3`));
  await imports.client.query("BEGIN");
  await imports.client.query("SELECT FROM city WHERE id = 1 FOR UPDATE");
  return launch(
    `bulkUpdateCities(selection: { ids: ["1"] }, data: { notes: { set: "held" } }, options: { mode: ASYNC }) {
      ... on TaskLaunched { task { id } } }`,
  );
}

afterEach(() => imports.client.query("ROLLBACK"));

const populations = async (): Promise<unknown[]> => (await cities()).map(({ population }) => population);

describe("an import of records that another task holds", () => {
  it("ends by default, and is retried without the file", async () => {
    const holder = await holdFirst();
    const { body } = await send("City?operation=update&onConflict=reject", CHANGES);
    expect(body.task).toMatchObject({
      status: "FAILED",
      message: expect.stringContaining(`City 1 is held by task ${holder}`),
    });
    await imports.client.query("ROLLBACK");
    const { tasks } = imports.service.powercrud;
    await tasks.wait(holder);
    expect(await populations()).toEqual([1, 1]);
    const retried = await tasks.retry(body.task.id, { viewer: { id: "ada", roles: ["editor"] } });
    expect(retried).toMatchObject({ kind: "LAUNCHED", task: { retryOf: body.task.id } });
    const { id } = "task" in retried ? retried.task : body.task;
    expect(await tasks.wait(id)).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 2 } });
    expect(await populations()).toEqual([100, 200]);
  });

  it("leaves them out if it is told to, and gives their rows back", async () => {
    const holder = await holdFirst();
    const task = await settled(await send("City?operation=update&onConflict=skip", CHANGES));
    expect(task).toMatchObject({ status: "SUCCEEDED", progress: { total: 2, succeeded: 1, skipped: 1 } });
    const failed = await failedFile(task.id);
    expect(failed.trimEnd().split("\r\n").slice(1)).toEqual([
      expect.stringMatching(/^2,.*holds the record.*,1,100$/),
    ]);
    await imports.client.query("ROLLBACK");
    await imports.service.powercrud.tasks.wait(holder);
    expect(await settled(await send("City?operation=update", failed))).toMatchObject({ status: "SUCCEEDED" });
    expect(await populations()).toEqual([100, 200]);
  });

  it("stands in line for them if it is told to, and can be cancelled there", async () => {
    const holder = await holdFirst();
    const path = "City?operation=update&onConflict=wait";
    const [first, second] = [await send(path, CHANGES), await send(path, CHANGES.replace("100", "300"))];
    expect([first.body.task.status, second.body.task.status]).toEqual(["WAITING", "WAITING"]);
    const { tasks } = imports.service.powercrud;
    expect(await tasks.cancel(second.body.task.id)).toMatchObject({ kind: "CANCELLED" });
    await imports.client.query("ROLLBACK");
    await tasks.wait(holder);
    expect(await settled(first)).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 2 } });
    expect(await populations()).toEqual([100, 200]);
  });

  it("is cancelled while it writes, and its locks go", async () => {
    await settled(await send("City?operation=create", `${HEAD}\n1,Paris,FR,1,2,3\n2,Lyon,FR,1,2,3`));
    await imports.client.query("BEGIN");
    await imports.client.query("SELECT FROM city WHERE id = 2 FOR UPDATE");
    const { body } = await send("City?operation=update&mode=async", CHANGES);
    const { tasks } = imports.service.powercrud;
    await expect.poll(async () => (await tasks.get(body.task.id))?.status).toBe("RUNNING");
    await tasks.cancel(body.task.id);
    await imports.client.query("ROLLBACK");
    expect(await tasks.wait(body.task.id)).toMatchObject({ status: "CANCELLED" });
    const held = await imports.client.query("SELECT FROM powercrud.lock WHERE owner = $1", [body.task.id]);
    expect(held.rows).toEqual([]);
  });
});

it("is retried for what failed alone, with the file's values", async () => {
  await settled(await send("City?operation=create", `${HEAD}\n2,Taken,FR,1,2,3`));
  const file = `${HEAD}\n1,Paris,FR,1,2,3\n2,Lyon,FR,2,2,3\n3,Nowhere,FR,many,2,3`;
  const task = await settled(await send("City?operation=create&errorPolicy=skip_failed", file));
  expect(task).toMatchObject({ status: "PARTIAL", progress: { total: 3, succeeded: 1, failed: 2 } });
  expect((await failedFile(task.id)).match(/,(Lyon|Nowhere),/g)).toEqual([",Lyon,", ",Nowhere,"]);
  await imports.client.query("DELETE FROM city WHERE id = 2");
  const { tasks } = imports.service.powercrud;
  const retried = await tasks.retry(task.id, { viewer: { id: "ada", roles: ["editor"] } });
  const { id } = "task" in retried ? retried.task : task;
  expect(await tasks.wait(id)).toMatchObject({ status: "SUCCEEDED", progress: { total: 1, succeeded: 1 } });
  expect((await cities()).map(({ name }) => name)).toEqual(["Paris", "Lyon"]);
});

describe("columns that are not for everybody to write", () => {
  const file = `${HEAD},notes,rankInCountry\n1,Paris,FR,1,2,3,secret,7`;

  it("are refused by name where only this caller may not write them", async () => {
    expect(await send("City?operation=create", file, { viewer: "bob" })).toMatchObject({
      status: 403,
      body: {
        errors: [
          {
            message: expect.stringContaining(
              "You may not write City.notes. Leave its column out, in the file or by the mapping.",
            ),
            extensions: { code: "FORBIDDEN", task: { status: "FAILED" } },
          },
        ],
      },
    });
    expect(await cities()).toEqual([]);
    const line = JSON.stringify({
      id: 1,
      name: "a",
      countryCode: "FR",
      population: 1,
      latitude: 1,
      longitude: 1,
      notes: "b",
    });
    expect(
      await send("City?operation=create", line, { viewer: "bob", type: "application/jsonl" }),
    ).toMatchObject({
      status: 403,
    });
    const mapping = encodeURIComponent('{"notes": ""}');
    await settled(await send(`City?operation=create&mapping=${mapping}`, file, { viewer: "bob" }));
    expect(await cities()).toMatchObject([{ name: "Paris", notes: null }]);
  });

  it("are left out where nobody can write them, and the answer says so", async () => {
    const answer = await send("City?operation=create", file);
    expect(answer.body.task.import).toMatchObject({ readOnlyColumns: ["rankInCountry"] });
    await settled(answer);
    expect(await cities()).toMatchObject([{ name: "Paris", notes: "secret" }]);
  });

  it("are not exported where the caller may not read them", async () => {
    const head = async (viewer: string): Promise<string> => {
      const headers = { authorization: `Bearer ${viewer}` };
      return (await fetch(`${imports.service.url}/exports/City.csv`, { headers })).text();
    };
    expect(await head("ada")).toContain("elevation");
    expect(await head("bob")).not.toContain("elevation");
  });
});

it("a question before an import tells what it would do with a file's columns, to those who may import", async () => {
  const ask = async (variables: object, viewer?: string): Promise<unknown> => {
    const query = `query ($headers: [String!]!, $operation: ImportOperation!, $mapping: JSON, $key: String) {
      importColumns(model: City, operation: $operation, headers: $headers, mapping: $mapping, key: $key) {
        columns { header path use problem } paths keys { name fields } problems } }`;
    return ((await imports.ask(query, variables, viewer)) as { importColumns: unknown }).importColumns;
  };
  const headers = ["_line", "Country Code", "Ort", "inhabitants", "rankInCountry", "constructor"];
  const column = (at: number, path: string | null, use: string, problem: unknown = null): object => ({
    header: headers[at],
    path,
    use,
    problem,
  });
  expect(await ask({ headers, operation: "CREATE", mapping: { Ort: "name", constructor: "" } })).toEqual({
    columns: [
      column(0, null, "LEFT_OUT"),
      column(1, "countryCode", "WRITTEN"),
      column(2, "name", "WRITTEN"),
      column(3, null, "UNKNOWN", expect.stringContaining('The header "inhabitants" is no column of City.')),
      column(4, "rankInCountry", "WRITTEN"),
      column(5, null, "LEFT_OUT"),
    ],
    paths: expect.arrayContaining(["id", "country.code", "tags.label"]),
    keys: [{ name: "id", fields: ["id"] }],
    problems: [],
  });
  const known = await ask({ headers: ["name", "NAME", "rank_in_country"], operation: "CREATE" });
  expect(known).toMatchObject({ problems: ['The headers "name" and "NAME" both mean name.'] });
  expect(await ask({ headers: ["rankInCountry", "name"], operation: "UPDATE" })).toMatchObject({
    columns: [{ use: "READ_ONLY" }, { use: "WRITTEN" }],
    paths: expect.not.arrayContaining(["rankInCountry"]),
    problems: [expect.stringContaining("The file has no column id")],
  });
  expect(await ask({ headers, operation: "CREATE", mapping: ["name"] })).toMatchObject({
    problems: [expect.stringContaining("mapping: needs an object of texts")],
  });
  expect(await ask({ headers, operation: "CREATE" }, "eve")).toMatchObject({
    columns: [],
    paths: [],
    problems: ["You may not create any City."],
  });
});

describe("what a file is told to be", () => {
  const CREATE = `mutation ($input: CreateImportInput!) {
    createImport(input: $input) { ... on Error { code message } ... on ValidationError { problems { field } } } }`;

  it.each<[problem: string, dialect: Readonly<Record<string, string>>]>([
    ['quote: needs one character, not "".', { quote: "" }],
    ['quote: needs one character, not "``".', { quote: "``" }],
    ['separator: needs one character, not "".', { separator: "" }],
    ['separator: needs one character, not "\\n".', { separator: "\n" }],
    ["quote: is the separator as well; say two different characters.", { separator: "'", quote: "'" }],
    ['timeOffset: needs Z, or an offset such as +02:00, not "+2".', { timeOffset: "+2" }],
    ['timeOffset: needs Z, or an offset such as +02:00, not "+16:00".', { timeOffset: "+16:00" }],
  ])("is refused before the file comes, by GraphQL as by HTTP: %s", async (message, dialect) => {
    const [field] = message.split(":");
    const input = { model: "City", operation: "CREATE", ...dialect };
    expect(await imports.ask(CREATE, { input })).toEqual({
      createImport: { code: "VALIDATION_FAILED", message, problems: [{ field }] },
    });
    const words = new URLSearchParams(dialect).toString();
    expect(await send(`City?operation=create&${words}`, `${HEAD}\n1,Paris,FR,1,1,1`)).toMatchObject({
      status: 400,
      body: { errors: [{ message, extensions: { code: "VALIDATION_FAILED" } }] },
    });
    expect(await cities()).toEqual([]);
  });

  it("may be a quote that looks like a separator", async () => {
    await settled(
      await send("City?operation=create&quote=comma", `${HEAD.replaceAll(",", "|")}\n1|,a|b,|FR|1|1|1`),
    );
    expect(await cities()).toMatchObject([{ name: "a|b" }]);
  });

  it.each([
    ["csv", "text/csv", "&encoding=iso-8859-1", "latin1"],
    ["csv", "text/csv", "&encoding=utf-16le", "utf16le"],
    ["jsonl", "application/jsonl; charset=iso-8859-1", "", "latin1"],
  ] as const)("reads the rows that failed, too: %s, %s%s", async (format, type, words, encoding) => {
    const path = `City?operation=create&errorPolicy=skip_failed${words}`;
    const city = { id: 1, name: "Orléans", countryCode: "FR", population: "many", latitude: 1, longitude: 1 };
    const file =
      format === "csv" ? `${HEAD}\n${Object.values(city).join(",")}\n` : `${JSON.stringify(city)}\n`;
    const sent = (text: string, spelling: BufferEncoding): Blob =>
      new Blob([new Uint8Array(Buffer.from(text, spelling))]);
    const task = await settled(await send(path, sent(file, encoding), { type }));
    expect(task.progress).toMatchObject({ total: 1, failed: 1 });
    const headers = { authorization: "Bearer ada" };
    const answer = await fetch(`${imports.service.url}/tasks/${task.id}/failed.${format}`, { headers });
    // As bytes: a text would have lost its byte order mark.
    const failed = Buffer.from(await answer.arrayBuffer()).toString("utf8");
    await settled(
      await send(path, sent(failed.replace(",many,", ",5,").replace(':"many"', ":5"), "utf8"), { type }),
    );
    expect(await cities()).toMatchObject([{ name: "Orléans", population: 5 }]);
  });

  it.each(["gzip", "br", "deflate"] as const)("is unpacked: %s", async (packing) => {
    const pack = { gzip: gzipSync, br: brotliCompressSync, deflate: deflateSync }[packing];
    const file = new Uint8Array(pack(`${HEAD}\n1,Orléans,FR,1,1,1`));
    await settled(await send("City?operation=create", file, { headers: { "content-encoding": packing } }));
    expect(await cities()).toMatchObject([{ name: "Orléans" }]);
  });

  it("is found in a form, by the name of its file", async () => {
    const form = new FormData();
    form.set(
      "file",
      new Blob([`{"id":1,"name":"Orléans","countryCode":"FR","population":1,"latitude":1,"longitude":1}`]),
      "cities.jsonl",
    );
    const packed = new Response(form);
    const type = packed.headers.get("content-type") ?? "";
    await settled(await send("City?operation=create", await packed.arrayBuffer(), { type }));
    expect(await cities()).toMatchObject([{ name: "Orléans" }]);
  });
});
