import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import ts from "typescript";
import { beforeAll, describe, expect, test } from "vitest";
import { codeBlocks } from "../support/markdown-code.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** Where the snippets stand for the compiler: nowhere on the disk. */
const FOLDER = `${ROOT}/test/config-snippets`;

/** Members of a config that must compile. */
const GOOD = {
  "a member of every sort": `models: {
    City: {
      plural: "towns",
      isExposed: true,
      access: ({ viewer }) => (viewer.id === null ? { status: { equals: "ACTIVE" }, country: { is: {} } } : true),
      lockScope: () => "all",
      fields: { name: { isExposed: false, isReadOnly: true }, country: { isFilterable: false, isSortable: false }, tags: { isBulkWritable: false } },
      bulk: { parallelism: 3, chunkRecords: 100 },
      search: ["name", "notes"],
    },
    Tag: { access: () => ({ OR: [{ label: { contains: "a" } }, { NOT: { cities: { some: {} } } }] }) },
  }`,
  "values as Prisma types them, without type arguments": `models: {
    City: {
      validate(record, change, { prisma, viewer, operation }) {
        const name: string | undefined = change.name?.set;
        const elevation: number | null | undefined = record?.elevation;
        const step: number = change.elevation?.increment ?? 0;
        const added: readonly string[] | undefined = change.tags?.add;
        void prisma.country.count({ where: { name: name ?? "" } });
        return step > 9000 ? [{ message: String([elevation, added, viewer.id, operation]), field: "elevation" }] : [];
      },
      hooks: {
        async afterUpdate({ records }, { prisma, onCommit }) {
          const people = records.map(({ id, record, before }) => (record?.population ?? 0) - (before?.population ?? 0));
          await prisma.tag.createMany({ data: people.map((count) => ({ label: count.toFixed() })) });
          onCommit(() => undefined);
        },
      },
      persist: async ({ records }, { prisma }) => {
        await prisma.city.updateMany({ where: { id: { in: records.map(({ id }) => Number(id)) } }, data: { population: 1 } });
      },
    },
    Country: { validate: (record) => (record?.population === 1n ? [{ message: "Lonely." }] : []) },
  }`,
  "names of fields, enums and their values": `models: { City: { apiName: "Town", fields: { countryCode: { apiName: "code" }, country: {} } } },
  enums: { CityStatus: { apiName: "State", values: { ACTIVE: "OPEN" } } }`,
  "a seed that gets Prisma's client": `async seed({ prisma, progress, signal }) {
    signal.throwIfAborted();
    const { count } = await prisma.tag.createMany({ data: [{ label: "a" }] });
    progress(count, 1);
  }`,
  "tasks of any input and hooks of tasks": `tasks: [
    rebuild,
    defineTask({
      kind: "sweepUp",
      async run({ input, progress }) {
        progress.add(1, JSON.stringify(input));
      },
    }),
  ],
  hooks: { complete: ({ task }) => void task.id }`,
};

/** Members of a config that must not compile, each with a part of the compiler's words. */
const BAD = {
  "a misspelt model": [`models: { Citty: {} }`, "'Citty' does not exist"],
  "a misspelt option": [`models: { City: { plurals: "towns" } }`, "'plurals' does not exist"],
  "a misspelt field with switches": [
    `models: { City: { fields: { populaton: { isExposed: false } } } }`,
    "'populaton' does not exist",
  ],
  "a misspelt switch of a field": [
    `models: { City: { fields: { population: { isExposd: false } } } }`,
    "'isExposd' does not exist",
  ],
  "a misspelt field that is searched": [
    `models: { City: { search: ["nmae"] } }`,
    `'"nmae"' is not assignable`,
  ],
  "a number that is searched": [
    `models: { City: { search: ["population"] } }`,
    `'"population"' is not assignable`,
  ],
  "an enum that is searched": [`models: { City: { search: ["status"] } }`, `'"status"' is not assignable`],
  "a misspelt member of the bulk options": [
    `models: { City: { bulk: { paralelism: 3 } } }`,
    "'paralelism' does not exist",
  ],
  "a misspelt field of a scope": [
    `models: { City: { access: ({ viewer }) => (viewer.id === null ? { statsu: { equals: "ACTIVE" } } : true) } }`,
    "'{ statsu: { equals: string; }; }' is not assignable to type",
  ],
  "a misspelt field within OR of a scope": [
    `models: { City: { access: () => ({ OR: [{ statsu: { equals: "ACTIVE" } }] }) } }`,
    "'{ statsu: { equals: string; }; }' has no properties in common",
  ],
  "a misspelt field of a record": [
    `models: { City: { validate: (record) => [{ message: String(record?.populaton) }] } }`,
    "'populaton' does not exist",
  ],
  "a misspelt field of a change": [
    `models: { City: { validate: (_record, change) => [{ message: String(change.populaton) }] } }`,
    "'populaton' does not exist",
  ],
  "a record's value taken for another type": [
    `models: { City: { validate(record) { const name: number = record?.name ?? 0; return [{ message: String(name) }]; } } }`,
    "'string | 0' is not assignable to type 'number'",
  ],
  "a change's value taken for another type": [
    `models: { City: { validate(_record, change) { const count: string | undefined = change.population?.set; return [{ message: count ?? "" }]; } } }`,
    "'number | undefined' is not assignable to type 'string | undefined'",
  ],
  "a value of the change where links are": [
    `models: { City: { validate: (_record, change) => [{ message: String(change.tags?.increment) }] } }`,
    "'increment' does not exist",
  ],
  "a misspelt hook": [
    `models: { City: { hooks: { afterUpdte: () => undefined } } }`,
    "'afterUpdte' does not exist",
  ],
  "a record taken for another type in a hook": [
    `models: { City: { hooks: { afterCreate({ records }) { records.map(({ record }) => record?.name.toFixed()); } } } }`,
    "'toFixed' does not exist on type 'string'",
  ],
  "a model that the client in a hook does not have": [
    `models: { City: { hooks: { async afterCreate(_chunk, { prisma }) { await prisma.citty.count(); } } } }`,
    "'citty' does not exist",
  ],
  "an answer of validate without a message": [
    `models: { City: { validate: () => [{ text: "no" }] } }`,
    "is not assignable",
  ],
  "a persist that answers with something else": [
    `models: { City: { persist: () => "done" } }`,
    "is not assignable",
  ],
  "a misspelt field that is named": [
    `models: { City: { fields: { populaton: { apiName: "people" } } } }`,
    "'populaton' does not exist",
  ],
  "a misspelt enum": [`enums: { CitySttus: {} }`, "'CitySttus' does not exist"],
  "a misspelt value of an enum": [
    `enums: { CityStatus: { values: { ACTVE: "OPEN" } } }`,
    "'ACTVE' does not exist",
  ],
  "a model that the client in a seed does not have": [
    `async seed({ prisma }) { await prisma.citty.count(); }`,
    "'citty' does not exist",
  ],
  "a misspelt member of the config": [`model: { City: {} }`, "'model' does not exist"],
  "a misspelt hook of tasks": [`hooks: { completed: () => undefined }`, "'completed' does not exist"],
  "a task without its work": [`tasks: [{ kind: "rebuild" }]`, "'run' is missing"],
  "a misspelt option of a task": [
    `tasks: [defineTask({ kind: "sweepUp", timeout: 5, run: async () => 1 })]`,
    "'timeout' does not exist",
  ],
} as const satisfies Record<string, readonly [members: string, words: string]>;

/** What defineTask is given in the snippets below. */
const REBUILD = `
  import { z } from "zod";
  import { generated } from "../../src/generated/powercrud.ts";
  import { defineTask } from "../../src/core/tasks/define-task.ts";
  import type { PowerCrud } from "../../src/compose/create-powercrud.ts";
  declare const powercrud: PowerCrud;
  const rebuild = defineTask({
    kind: "rebuild",
    generated,
    input: z.object({ countryCode: z.string(), since: z.coerce.date().default(() => new Date(0)) }),
    label: ({ input }) => input.countryCode.toLowerCase(),
    claims: ({ input, viewer }) => [{ model: "Country", ids: [input.countryCode, viewer.id ?? ""] }],
    access: ({ input }) => input.since.getTime() > 0,
    concurrency: { max: 1, perKey: ({ input }) => input.countryCode },
    async run({ input, task, signal, progress, log, prisma }) {
      signal.throwIfAborted();
      progress.add({ failed: 1 }, task.id);
      log.info({ since: input.since.toISOString() }, "rebuilds");
      return { cities: await prisma.city.count({ where: { countryCode: input.countryCode } }) };
    },
  });`;

/** Statements with a task of the app's own that must compile. */
const GOOD_TASKS = {
  "an input of the schema": `powercrud.tasks.launch(rebuild, { countryCode: "FR" });`,
  "any input for a kind": `powercrud.tasks.launch("rebuild", { anything: [1] });`,
  "any JSON for a task without a schema": `powercrud.tasks.launch(defineTask({ kind: "plain", run: async ({ input }) => input }), [1, "a"]);`,
  "the result by the definition": `const cities: NonNullable<(typeof rebuild)["types"]>["result"]["cities"] = 1; void cities;`,
  "the result of a launch and of what follows it": `
    const dated = defineTask({ kind: "dated", run: async () => ({ at: new Date(), of: ["a"], note: undefined as string | undefined }) });
    const launched = await powercrud.tasks.launch(dated, null);
    if (launched.kind !== "LAUNCHED") throw new Error(launched.message);
    const { result } = await powercrud.tasks.wait(launched.task, { timeoutMs: 1 });
    const at: string | undefined = result?.at;
    const first: string | undefined = result?.of[0];
    const found: number | undefined = (await powercrud.tasks.get(launched.task))?.result?.of.length;
    const again = await powercrud.tasks.retry(launched.task, { viewer: { id: "ann" }, options: { mode: "SYNC" } });
    const note: string | undefined = again.kind === "LAUNCHED" ? again.task.result?.note : undefined;
    void [at, first, found, note];`,
  "a listener that names its result, before `run` tells it, and the result by the definition all the same": `
    type Ended = import("../../src/index.ts").FinalContext<import("../../src/index.ts").Json, { readonly sent: number } | null>;
    const send = defineTask({
      kind: "send",
      hooks: { complete: ({ result }: Ended) => void result?.sent.toFixed(), cleanup: ({ result }) => void JSON.stringify(result) },
      run: async () => ({ sent: 12 }),
    });
    const launched = await powercrud.tasks.launch(send, null);
    const sent: number | undefined = launched.kind === "LAUNCHED" ? launched.task.result?.sent : undefined;
    void sent;`,
  "any result by an id": `const { result } = await powercrud.tasks.wait("an id"); const json: import("../../src/index.ts").Json = result; void json;`,
  "a task and a reservation wherever an id may stand": `
    declare const held: import("../../src/index.ts").Reservation;
    declare const task: import("../../src/index.ts").Task;
    for await (const { percent } of powercrud.tasks.progress(task)) void percent;
    await Promise.all([powercrud.tasks.cancel(held), powercrud.tasks.errors(task), powercrud.tasks.records(task)]);`,
};

/** Statements that must not compile, each with a part of the compiler's words. */
const BAD_TASKS = {
  "an input of another type": [
    `powercrud.tasks.launch(rebuild, { countryCode: 1 });`,
    "'number' is not assignable",
  ],
  "an input that lacks a member": [`powercrud.tasks.launch(rebuild, {});`, "'countryCode' is missing"],
  "a misspelt member of an input": [
    `powercrud.tasks.launch(rebuild, { countryCode: "FR", sicne: "2020" });`,
    "'sicne' does not exist",
  ],
  "a member that the result does not have": [
    `const launched = await powercrud.tasks.launch(rebuild, { countryCode: "FR" });
     if (launched.kind === "LAUNCHED") void launched.task.result?.citties;`,
    "'citties' does not exist",
  ],
  "a date in the result, which is stored as a text": [
    `const launched = await powercrud.tasks.launch(defineTask({ kind: "a", run: async () => new Date() }), null);
     if (launched.kind === "LAUNCHED") launched.task.result?.getTime();`,
    "'getTime' does not exist on type 'string'",
  ],
  "a misspelt option of a launch": [
    `void powercrud.tasks.launch(rebuild, { countryCode: "FR" }, { idempotencyKy: "a" });`,
    "'idempotencyKy' does not exist",
  ],
  "a misspelt member of a checked input": [
    `defineTask({ kind: "a", input: z.object({ b: z.string() }), label: ({ input }) => input.c, run: async () => 1 });`,
    "'c' does not exist",
  ],
  "a model that the client does not have": [
    // option: tasks.generated
    `defineTask({ kind: "a", generated, run: ({ prisma }) => prisma.citty.count() });`,
    "'citty' does not exist",
  ],
} as const satisfies Record<string, readonly [statement: string, words: string]>;

/** The compiler's errors by the snippet's name. */
let errors: ReadonlyMap<string, readonly string[]>;

/** Its snippets are compiled together. */
/** Guides whose snippets are modules of their own. */
const CONFIG_GUIDES = ["docs/access.md", "docs/security.md"];
const GUIDE = "docs/nested-tasks.md";
const GUIDE_HEADER = `
  import type { ModelOptionsOf } from "powercrud-graphql";
  import { defineTask } from "powercrud-graphql";
  import { rebuildCountryStatistics } from "../../prisma/tasks/rebuild-country-statistics.ts";
  import type { generated } from "../../src/generated/powercrud.ts";`;

test(`the snippets of ${GUIDE} compile`, () => {
  expect(errors.get(GUIDE)).toEqual([]);
});

beforeAll(async () => {
  const inConfig = (members: string): string => `
    import { generated } from "../../src/generated/powercrud.ts";
    import { defineConfig } from "../../src/compose/define-config.ts";
    import { defineTask } from "../../src/core/tasks/define-task.ts";
    declare const rebuild: import("../../src/core/tasks/define-task.ts").DefinedTask<{ code: string }, number>;
    export default defineConfig({ generated, ${members} });`;
  const nested = codeBlocks(readFileSync(`${ROOT}/${GUIDE}`, "utf8"), "ts").join("\n");
  errors = compile(
    Object.fromEntries([
      [GUIDE, `${GUIDE_HEADER}\n${nested}\nexport { census, child, country, locked };`],
      ...Object.entries(GOOD).map(([name, members]) => [name, inConfig(members)] as const),
      ...Object.entries(BAD).map(([name, [members]]) => [name, inConfig(members)] as const),
      ...Object.entries(GOOD_TASKS).map(([name, line]) => [name, `${REBUILD}\n${line}`] as const),
      ["docs/custom-tasks.md", guide()],
      ...CONFIG_GUIDES.flatMap((page) =>
        snippetsOf(page).map((text, at) => [`${page} ${at}`, text] as const),
      ),
      ...Object.entries(BAD_TASKS).map(([name, [line]]) => [name, `${REBUILD}\n${line}`] as const),
    ]),
  );
}, 120_000);

describe("a config compiles with", () => {
  test.each(Object.keys(GOOD))("%s", (name) => {
    expect(errors.get(name)).toEqual([]);
  });
});

describe("a config does not compile with", () => {
  test.each(Object.entries(BAD))("%s", (name, [, words]) => {
    expect(errors.get(name)).toEqual([expect.stringContaining(words)]);
  });
});

test("the snippets of the guide to custom tasks compile", () => {
  expect(errors.get("docs/custom-tasks.md")).toEqual([]);
});

test.each(CONFIG_GUIDES)("the snippets of %s compile", (page) => {
  const found = snippetsOf(page).flatMap((_text, at) => errors.get(`${page} ${at}`));
  expect([snippetsOf(page).length > 1, found]).toEqual([true, []]);
});

/** Each snippet of a guide as a module. */
function snippetsOf(page: string): readonly string[] {
  return codeBlocks(readFileSync(`${ROOT}/${page}`, "utf8"), "ts").map(
    (block) =>
      `${block
        .replaceAll('"powercrud-graphql"', '"../../src/index.ts"')
        .replaceAll('"./generated/', '"../../src/generated/')}
      declare const newToken: () => Promise<string>;
      export {};`,
  );
}

/** The guide's snippets as one module. */
function guide(): string {
  const [definition = "", ...others] = codeBlocks(readFileSync(`${ROOT}/docs/custom-tasks.md`, "utf8"), "ts");
  const rest = others.map((block) => block.replace(/^import .* from "\.\/rebuild-statistics\.ts";$/m, ""));
  return [definition, ...rest]
    .join("\n")
    .replaceAll('"powercrud-graphql"', '"../../src/index.ts"')
    .replaceAll('"./generated/', '"../../src/generated/');
}

describe("a task of the app's own", () => {
  test.each(Object.keys(GOOD_TASKS))("takes %s", (name) => {
    expect(errors.get(name)).toEqual([]);
  });
  test.each(Object.entries(BAD_TASKS))("does not take %s", (name, [, words]) => {
    expect(errors.get(name)).toEqual([expect.stringContaining(words)]);
  });
});

/** Compiles all snippets as one program, with the project's settings. */
function compile(snippets: Readonly<Record<string, string>>): ReadonlyMap<string, readonly string[]> {
  const settings = ts.readConfigFile(`${ROOT}/tsconfig.json`, (path) => ts.sys.readFile(path)).config as {
    readonly compilerOptions: object;
  };
  const { options } = ts.convertCompilerOptionsFromJson(settings.compilerOptions, ROOT);
  const files = new Map(
    Object.entries(snippets).map(([name, text], at) => [`${FOLDER}/${at}.ts`, { name, text }]),
  );
  const host = ts.createCompilerHost(options);
  const program = ts.createProgram([...files.keys()], options, {
    ...host,
    fileExists: (path) => files.has(path) || host.fileExists(path),
    readFile: (path) => files.get(path)?.text ?? host.readFile(path),
    getSourceFile(path, target) {
      const text = files.get(path)?.text;
      return text === undefined ? host.getSourceFile(path, target) : ts.createSourceFile(path, text, target);
    },
  });
  return new Map(
    [...files].map(([path, { name }]) => [
      name,
      [program.getSyntacticDiagnostics, program.getSemanticDiagnostics]
        .flatMap((read) => read(program.getSourceFile(path)))
        .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n")),
    ]),
  );
}
