import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Viewer } from "../../../src/index.ts";
import type { City } from "./access-paths-world.ts";
import {
  ask,
  askText,
  BEGIN,
  call,
  COUNT,
  END,
  EXPORT,
  heardUntil,
  imported,
  listen,
  listenAll,
  NOBODY,
  PREVIEW,
  ROOT,
  RULES,
  send,
  service,
  sql,
  startWorld,
  stopWorld,
  textOf,
  touch,
  tried,
  viewerOf,
} from "./access-paths-world.ts";

beforeAll(startWorld);
afterAll(stopWorld);

describe("a viewer who may read no record of a model", () => {
  const SECRETS = ["S3CRET", "777123", "City 1"];
  /** The tasks of somebody else, which this viewer sees. */
  const tasks: Record<"exported" | "tried" | "imported" | "created", string> = {
    exported: "",
    tried: "",
    imported: "",
    created: "",
  };
  beforeAll(async () => {
    await sql.query("UPDATE city SET notes = 'S3CRET', population = 777123 WHERE id = 1");
    const { launchExport } = await ask(ROOT, EXPORT, { input: { model: "City", format: "CSV" } });
    tasks.exported = (await service.powercrud.tasks.wait(launchExport.task.id as string)).id;
    tasks.tried = await tried(ROOT, [1], "S3CRET too");
    const file = "id,name,countryCode,population,latitude,longitude,notes\n9,S3CRET,FR,S3CRET,0,0,S3CRET";
    tasks.imported = (
      await imported(ROOT, "/imports/City?operation=create&errorPolicy=skip_failed", file)
    ).id;
    const record = `{id: 99, name: "S3CRET", countryCode: "FR", population: 777123, latitude: 0, longitude: 0}`;
    const { bulkCreateCities } = await ask(
      ROOT,
      `mutation { bulkCreateCities(data: [${record}], options: {mode: SYNC, dryRun: true, errorPolicy: SKIP_FAILED}) {
        ... on TaskLaunched { task { id } } } }`,
    );
    tasks.created = bulkCreateCities.task.id as string;
    await ask(
      ROOT,
      `mutation { saveView(model: City, name: "S3CRET", isShared: true, state: {q: "S3CRET"}) { __typename } }`,
    );
  });

  const WAYS: readonly (readonly [string, (viewer: Viewer) => Promise<string>])[] = [
    ["an export", (viewer) => textOf(viewer, "/exports/City.csv")],
    ["an export of lines", (viewer) => textOf(viewer, "/exports/City.jsonl?fields=name,notes,population")],
    ["the file that a task exported", (viewer) => textOf(viewer, `/tasks/${tasks.exported}/export.csv`)],
    ["the preview of a dry run", (viewer) => askText(viewer, PREVIEW, { id: tasks.tried })],
    ["the preview of new records", (viewer) => askText(viewer, PREVIEW, { id: tasks.created })],
    ["what a task was given", (viewer) => askText(viewer, `{ task(id: "${tasks.created}") { input } }`)],
    [
      "the tasks' inputs in a list",
      (viewer) => askText(viewer, `{ tasks { nodes { input result message label } } }`),
    ],
    [
      "the errors of a task",
      (viewer) =>
        askText(
          viewer,
          `{ tasks { nodes { message errors { nodes { message } } records { nodes { message record { __typename } } } events { nodes { message } } } } }`,
        ),
    ],
    ["the errors of a task as a file", (viewer) => textOf(viewer, `/tasks/${tasks.imported}/errors.jsonl`)],
    ["the failed rows of an import", (viewer) => textOf(viewer, `/tasks/${tasks.imported}/failed.csv`)],
    ["shared views", (viewer) => askText(viewer, `{ savedViews(model: City) { name state } }`)],
  ];

  it.each(WAYS)("gets no byte of it by %s, and others do", async (_way, read) => {
    const answer = await read(NOBODY);
    expect(SECRETS.filter((secret) => answer.includes(secret))).toEqual([]);
    expect(answer).toBe(await read({ ...NOBODY, id: "other" }));
    expect(SECRETS.filter((secret) => answer.includes(secret))).toEqual([]);
    expect(await read(ROOT)).toContain("S3CRET");
  });

  it("may neither export nor import, whatever the rows name, and nothing tells whether they are there", async () => {
    const input = { model: "City", format: "CSV" };
    const refusal = {
      __typename: "ForbiddenError",
      code: "FORBIDDEN",
      message: "You may not read any City.",
    };
    expect(await ask(NOBODY, EXPORT, { input })).toEqual({ launchExport: refusal });
    for (const operation of ["create", "update", "upsert"]) {
      const answers = await Promise.all(
        [1, 77].map((id) => send(NOBODY, `/imports/City?operation=${operation}`, `id,population\n${id},5`)),
      );
      expect(answers[0]).toContain('"code":"FORBIDDEN"');
      expect(answers[0]).toBe(answers[1]);
    }
    expect((await sql.query("SELECT population FROM city WHERE id = 1")).rows).toEqual([
      { population: 777123 },
    ]);
  });

  it("hears of no record, and cannot subscribe", async () => {
    await expect(listen(NOBODY)).rejects.toThrow("You may not read any City");
  });
});

describe("random rules", () => {
  const rule = fc.nat(RULES.length - 1);
  const rights = fc.record({ read: rule, update: rule, notes: fc.boolean() });
  const admits = (place: number, city: City): boolean => RULES[place]?.[1](city) === true;
  const subset = fc.uniqueArray(fc.integer({ min: 1, max: COUNT }), { minLength: 1 });

  const readAll = async (): Promise<readonly City[]> =>
    (await sql.query<City>(`SELECT id, population, status FROM city WHERE id <= ${COUNT} ORDER BY id`)).rows;

  async function reset(): Promise<readonly City[]> {
    await sql.query(
      `UPDATE city SET population = id % 7, notes = 'note ' || id,
         status = CASE WHEN id % 3 = 0 THEN 'ACTIVE' ELSE 'ARCHIVED' END::"CityStatus" WHERE id <= ${COUNT}`,
    );
    return readAll();
  }

  it("let through exports what a plain filter over the table lets through, sent at once and by a task", async () => {
    const property = fc.asyncProperty(rights, fc.integer({ min: 0, max: 6 }), async (given, least) => {
      const viewer = viewerOf(given);
      const seen = (await reset()).filter((city) => admits(given.read, city) && city.population >= least);
      const where = { id: { lte: COUNT }, population: { gte: least } };
      const lines = seen.map(
        ({ id, population }) => `${id},${population}${given.notes ? `,note ${id}` : ""}`,
      );
      const all = ["id", "population", ...(given.notes ? ["notes"] : [])];
      const file = `${[all.join(), ...lines].join("\r\n")}\r\n`;
      const query = new URLSearchParams({ where: JSON.stringify(where), fields: all.join() }).toString();
      expect(await textOf(viewer, `/exports/City.csv?${query}`)).toBe(file);
      const [head = ""] = (await textOf(viewer, "/exports/City.csv")).split("\r\n");
      expect(head.split(",").includes("notes")).toBe(given.notes);
      const notes = await textOf(viewer, "/exports/City.jsonl?fields=notes");
      expect(notes.includes("FORBIDDEN")).toBe(!given.notes);
      const input = { model: "City", format: "CSV", where, fields: all };
      const { launchExport } = await ask(viewer, EXPORT, { input });
      const { id } = await service.powercrud.tasks.wait(launchExport.task.id as string);
      expect(await textOf(viewer, `/tasks/${id}/export.csv`)).toBe(file);
      expect((await call({ ...viewer, id: "ben" }, `/tasks/${id}/export.csv`)).status).toBe(404);
    });
    await fc.assert(property, { numRuns: 8 });
  });

  it("let imports write what a plain filter over the table lets be written, and give all others back", async () => {
    const property = fc.asyncProperty(rights, subset, fc.nat(6), async (given, ids, population) => {
      const viewer = viewerOf(given);
      const before = await reset();
      const mayChange = (city: City): boolean => admits(given.read, city) && admits(given.update, city);
      const isWritten = (city: City): boolean =>
        ids.includes(city.id) && mayChange(city) && mayChange({ ...city, population });
      // One that is not there.
      const rows = [...ids, 77].map((id) => `${id},${population}`);
      const task = await imported(
        viewer,
        "/imports/City?operation=update&errorPolicy=skip_failed",
        ["id,population", ...rows].join("\n"),
      );
      const written = before.filter(isWritten);
      expect([task.progress.total, task.progress.succeeded]).toEqual([rows.length, written.length]);
      expect(await readAll()).toEqual(
        before.map((city) => (isWritten(city) ? { ...city, population } : city)),
      );
      const failed = await textOf(viewer, `/tasks/${task.id}/failed.csv`);
      const reasons = new Map(
        failed
          .trimEnd()
          .split("\r\n")
          .slice(1)
          .map((line) => [/,(\d+),\d+$/.exec(line)?.[1], line.replace(/^\d+,/, "").replace(/,\d+,\d+$/, "")]),
      );
      const left = ids.filter((id) => !written.some((city) => city.id === id));
      expect([...reasons.keys()].map(String).toSorted()).toEqual([...left, 77].map(String).toSorted());
      // One that is out of reach is told like one that is not there.
      const hidden = before.filter((city) => ids.includes(city.id) && !mayChange(city));
      for (const { id } of hidden) {
        expect(reasons.get(String(id))).toBe(reasons.get("77"));
      }
      // What may not be read may not be named by others either: whose file it is sees it.
      expect((await call(NOBODY, `/tasks/${task.id}/failed.csv`)).status).toBe(404);
    });
    await fc.assert(property, { numRuns: 8 });
  });

  it("let through previews what a plain filter over the table lets through, whoever has tried", async () => {
    const property = fc.asyncProperty(rights, rights, subset, async (given, looking, ids) => {
      const before = (await reset()).filter(({ id }) => ids.includes(id));
      const [viewer, other] = [viewerOf(given), { ...viewerOf(looking), id: "ben" }];
      const byRoot = await tried(ROOT, ids, "S3CRET");
      const own = await tried(viewer, ids, "mine");
      const previewFor = async (who: Viewer, id: string) => (await ask(who, PREVIEW, { id })).task.preview;
      const recordIds = (preview: { readonly records: readonly { readonly recordId: string }[] }): string[] =>
        preview.records.map(({ recordId }) => recordId).toSorted();
      const idsOf = (cities: readonly City[]): string[] => cities.map(({ id }) => String(id)).toSorted();
      for (const [who, { read, notes }] of [
        [viewer, given],
        [other, looking],
      ] as const) {
        const seen = before.filter((city) => admits(read, city));
        const preview = await previewFor(who, byRoot);
        expect(recordIds(preview)).toEqual(idsOf(seen));
        expect(JSON.stringify(preview).includes("S3CRET")).toBe(notes && (seen.length > 0 || read === 0));
        // Figures are those of all records, so they are for those who may read all.
        const fields = read !== 0 ? [] : notes ? ["population", "notes"] : ["population"];
        expect(preview.fields.map(({ field }: { field: string }) => field)).toEqual(fields);
      }
      // Of a record that its launcher may not read, nobody is shown anything.
      const seen = before.filter((city) => admits(looking.read, city) && admits(given.read, city));
      const ofOther = await previewFor(other, own);
      const there = ofOther.records.filter(({ before: was }: { before: unknown }) => was !== null);
      expect(idsOf(seen)).toEqual(expect.arrayContaining(recordIds({ records: there })));
      const reached = seen.filter((city) => admits(given.update, city));
      expect(recordIds({ records: there })).toEqual(expect.arrayContaining(idsOf(reached)));
      // What the task was given is for those who may read what its launcher may.
      const { task } = await ask(other, `{ task(id: "${own}") { input } }`);
      const readsAsMuch = looking.notes && (looking.read === 0 || looking.read === given.read);
      expect(task.input !== null).toBe(readsAsMuch);
    });
    await fc.assert(property, { numRuns: 6 });
  });

  it("let subscribers hear of the records that a plain filter over the table lets through", async () => {
    const viewers = RULES.map((_rule, read) => viewerOf({ read, update: 0, notes: false }));
    const all = await listenAll(viewers);
    const property = fc.asyncProperty(subset, fc.nat(6), async (ids, population) => {
      await reset();
      await touch([...ids, END], population);
      const now = await readAll();
      for (const [place, events] of all.entries()) {
        const heard = (await heardUntil(events, END)).filter(
          ({ recordIds }) => !recordIds.includes(String(BEGIN)),
        );
        const seen = ids.filter((id) => now.some((city) => city.id === id && admits(place, city)));
        expect(heard).toEqual(
          [...seen, END].map((id) => ({ type: "UPDATED", recordIds: [String(id)], isAll: false })),
        );
      }
    });
    await fc.assert(property, { numRuns: 8 });
    await Promise.all(all.map((events) => events.return(undefined)));
  });
});
