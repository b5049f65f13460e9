import { dirname, join, relative } from "node:path";

import type { TextChange } from "./diff-text.ts";
import { appendLines, completeExample, definesVariable } from "./env-files.ts";
import type { ProjectFacts, SchemaFile } from "./inspect-project.ts";
import { editManifest } from "./manifest.ts";
import { findUnpinned, findVersionProblems, listOf, type PrismaPackage } from "./prisma-version.ts";
import {
  CLIENT_FOLDER,
  GENERATED_MODULE,
  printClientGenerator,
  printGenerator,
  printPowerCrudConfig,
  printPrismaConfig,
} from "./project-files.ts";
import { addGenerators, readBlocks, type SchemaBlock } from "./schema-blocks.ts";

/** What `init` will do to the files of a project. */
export interface InitPlan {
  readonly kind: "PLAN";
  /** In the order in which they are made. */
  readonly changes: readonly TextChange[];
  /** Sentences about what is there already and stays as it is, although it differs from what would be written. */
  readonly leftAlone: readonly string[];
  /** Whether the packages have to be installed again, since `package.json` pins others. */
  readonly isInstallNeeded: boolean;
  /** The module that `prisma generate` writes, relative to the project. */
  readonly generatedModule: string;
}

/** Why `init` cannot be run: one sentence each, with advice. */
export interface InitRefusal {
  readonly kind: "REFUSED";
  readonly problems: readonly string[];
}

/** What the user asks for beside what the project says. */
export interface InitWishes {
  /** `--database-url`: goes to `.env` unless that names a database already. */
  readonly databaseUrl: string | undefined;
  /** Whether a database is named, by the option or by DATABASE_URL. Else the embedded one is used. */
  readonly isDatabaseSet: boolean;
  /** A Prisma schema that was read from the database, in the place of the missing one. */
  readonly introspected: SchemaFile | undefined;
}

/** `powercrud` and its options, by the names that the scripts get. */
const SCRIPTS = {
  "powercrud:start": "powercrud start",
  "powercrud:serve": "powercrud serve",
  "powercrud:work": "powercrud work",
  "powercrud:doctor": "powercrud doctor",
};
const IGNORED_DATA = ".powercrud/";

/** Plans the changes. The same project gives the same plan; a project that has had its `init` gives an empty one. */
export function planInit(facts: ProjectFacts, wishes: InitWishes): InitPlan | InitRefusal {
  const files = wishes.introspected === undefined ? facts.schemaFiles : [wishes.introspected];
  const problems = [
    ...findVersionProblems(facts.versions),
    ...findSchemaProblems(files),
    ...findDatabaseProblems(facts, wishes),
  ];
  if (problems.length > 0) {
    return { kind: "REFUSED", problems };
  }
  const schema = planSchema(facts, files);
  const manifest = planManifest(facts);
  const candidates = [
    ...schema.changes,
    ...planPrismaConfig(facts, files),
    manifest.change,
    planConfig(facts, files, schema.generatedModule),
    planText(facts, ".env.example", completeExample(facts.texts[".env.example"])),
    ...planSecrets(facts, wishes),
  ];
  return {
    kind: "PLAN",
    changes: candidates.filter(({ before, after }) => before !== after),
    leftAlone: [...manifest.leftAlone, ...describeKept(facts, wishes)],
    isInstallNeeded: manifest.isInstallNeeded,
    generatedModule: schema.generatedModule,
  };
}

/** A block, and where it is. */
interface FileBlock extends SchemaBlock {
  readonly file: SchemaFile;
}

function blocksOf(files: readonly SchemaFile[], keyword: string): readonly FileBlock[] {
  return files.flatMap((file) =>
    readBlocks(file.content)
      .filter((block) => block.keyword === keyword)
      .map((block) => ({ ...block, file })),
  );
}

function findSchemaProblems(files: readonly SchemaFile[]): readonly string[] {
  if (files.length === 0) {
    return [
      "There is no Prisma schema: prisma.config names none, and there is no prisma/schema.prisma. " +
        "Write one, or read it from your database: npx powercrud init --database-url postgresql://…",
    ];
  }
  const [datasource] = blocksOf(files, "datasource");
  if (datasource === undefined) {
    return [
      `${files.map(({ path }) => path).join(", ")}: there is no datasource block. Add one for PostgreSQL.`,
    ];
  }
  const { settings, file } = datasource;
  const provider = settings.get("provider") ?? "none";
  if (!["postgresql", "postgres"].includes(provider)) {
    return [
      `${file.path}: powercrud-graphql needs PostgreSQL, but the datasource's provider is ${provider}.`,
    ];
  }
  const moved = ["url", "directUrl", "shadowDatabaseUrl"].filter((name) => settings.has(name));
  return moved.length === 0
    ? []
    : [
        `${file.path}: Prisma 7 refuses ${moved.join(" and ")} in the datasource block. Delete the line, and put the ` +
          "database's address into prisma.config.ts: https://pris.ly/d/config-datasource",
      ];
}

/** The embedded database must not take the place of one that the project has under another name. */
function findDatabaseProblems({ paths }: ProjectFacts, { isDatabaseSet }: InitWishes): readonly string[] {
  return isDatabaseSet || paths.databaseUrl === undefined
    ? []
    : [
        "prisma.config names a database, but DATABASE_URL is not set, and powercrud reads that. Put it into .env, or run: " +
          "npx powercrud init --database-url postgresql://…",
      ];
}

interface SchemaPlan {
  readonly changes: readonly TextChange[];
  readonly generatedModule: string;
}

/** The generators that are missing: ours, and Prisma's client if there is none. It stands first, since ours imports it. */
function planSchema({ dir, schemaFiles }: ProjectFacts, files: readonly SchemaFile[]): SchemaPlan {
  const generators = blocksOf(files, "generator");
  const ours = generators.find((block) => providerOf(block).includes("powercrud-generator"));
  if (ours !== undefined) {
    return { changes: [], generatedModule: moduleOf(dir, ours) };
  }
  const client = generators.find((block) => providerOf(block).startsWith("prisma-client"));
  const place = client ?? generators[0] ?? blocksOf(files, "datasource")[0];
  if (place === undefined) {
    throw new TypeError("a schema without a datasource was refused before");
  }
  const { file } = place;
  const seenFromFile = (path: string): string => relativePath(join(dir, dirname(file.path)), join(dir, path));
  const generatedModule = placeOfModule(dir, client);
  const isTaken = generators.some(({ name }) => name === "powercrud");
  const after = addGenerators(file.content, [
    ...(client === undefined ? [printClientGenerator(seenFromFile(CLIENT_FOLDER))] : []),
    printGenerator(isTaken ? "powercrudGraphql" : "powercrud", seenFromFile(generatedModule)),
  ]);
  const before = schemaFiles.includes(file) ? file.content : undefined;
  return { changes: [{ path: file.path, before, after }], generatedModule };
}

function providerOf({ settings }: SchemaBlock): string {
  return settings.get("provider") ?? "";
}

/** The module that a block of our generator writes. */
function moduleOf(dir: string, { file, settings }: FileBlock): string {
  const output = settings.get("output") ?? `../${GENERATED_MODULE}`;
  const path = relativePath(dir, join(dir, dirname(file.path), output));
  return /\.[cm]?ts$/.test(path) ? path : `${path}/powercrud.ts`;
}

/** Not in the client's own folder, which Prisma empties. */
function placeOfModule(dir: string, client: FileBlock | undefined): string {
  const output = client?.settings.get("output");
  const folder =
    output === undefined ? "" : relativePath(dir, join(dir, dirname(client?.file.path ?? ""), output));
  return folder === dirname(GENERATED_MODULE) ? "powercrud.generated.ts" : GENERATED_MODULE;
}

function planPrismaConfig({ dir, paths }: ProjectFacts, files: readonly SchemaFile[]): readonly TextChange[] {
  if (paths.configFile !== undefined) {
    return [];
  }
  const schema = paths.schema === undefined ? (files[0]?.path ?? "") : relativePath(dir, paths.schema);
  const after = printPrismaConfig(schema, relativePath(dir, paths.migrations));
  return [{ path: "prisma.config.ts", before: undefined, after }];
}

interface ManifestPlan {
  readonly change: TextChange;
  readonly leftAlone: readonly string[];
  readonly isInstallNeeded: boolean;
}

function planManifest({ manifestText: before, versions }: ProjectFacts): ManifestPlan {
  const known = versions.manifest.scripts ?? {};
  const scripts = Object.entries(SCRIPTS).filter(([name]) => known[name] === undefined);
  const pins = Object.entries(findUnpinned(versions));
  const pinsIn = (list: "dependencies" | "devDependencies") =>
    Object.fromEntries(pins.filter(([name]) => listOf(versions, name as PrismaPackage) === list));
  const edit = {
    scripts: Object.fromEntries(scripts),
    dependencies: pinsIn("dependencies"),
    devDependencies: pinsIn("devDependencies"),
  };
  const isChanged = scripts.length > 0 || pins.length > 0;
  return {
    change: { path: "package.json", before, after: isChanged ? editManifest(before, edit) : before },
    leftAlone: Object.entries(SCRIPTS)
      .filter(([name, script]) => known[name] !== undefined && known[name] !== script)
      .map(([name]) => `package.json has another script ${name}`),
    isInstallNeeded: pins.length > 0,
  };
}

function planConfig(facts: ProjectFacts, files: readonly SchemaFile[], generatedModule: string): TextChange {
  const [model] = blocksOf(files, "model");
  const module = `./${generatedModule}`;
  // TypeScript refuses `.ts` in imports unless told otherwise; `.js` means the same file.
  const tsconfig = facts.texts["tsconfig.json"];
  const isJs = tsconfig !== undefined && !/"allowImportingTsExtensions"\s*:\s*true/.test(tsconfig);
  const text = printPowerCrudConfig(isJs ? module.replace(/ts$/, "js") : module, model?.name);
  return planText(facts, "powercrud.config.ts", facts.texts["powercrud.config.ts"] ?? text);
}

function planText({ texts }: ProjectFacts, path: keyof ProjectFacts["texts"], after: string): TextChange {
  return { path, before: texts[path], after };
}

/** The database's address, and the lines that keep it and the embedded PostgreSQL out of git. */
function planSecrets(facts: ProjectFacts, { databaseUrl }: InitWishes): readonly TextChange[] {
  const { texts, isGitRepository } = facts;
  const isWritten = databaseUrl !== undefined && !definesVariable(texts[".env"], "DATABASE_URL");
  const env = isWritten
    ? appendLines(texts[".env"], [`DATABASE_URL=${JSON.stringify(databaseUrl)}`])
    : undefined;
  const ignore = texts[".gitignore"];
  const wanted = [IGNORED_DATA, ...(isWritten ? [".env"] : [])];
  const missing = wanted.filter((line) => !ignores(ignore ?? "", line));
  const isIgnoring = missing.length > 0 && (ignore !== undefined || isGitRepository);
  return [
    ...(env === undefined ? [] : [planText(facts, ".env", env)]),
    ...(isIgnoring ? [planText(facts, ".gitignore", appendLines(ignore, missing))] : []),
  ];
}

function ignores(text: string, wanted: string): boolean {
  const name = wanted.replace(/\/$/, "");
  return text.split(/\r?\n/).some(
    (line) =>
      line
        .trim()
        .replace(/^\//, "")
        .replace(/[/*]+$/, "") === name,
  );
}

function describeKept({ texts }: ProjectFacts, { databaseUrl }: InitWishes): readonly string[] {
  const isOther = databaseUrl !== undefined && !(texts[".env"] ?? "").includes(databaseUrl);
  return isOther && definesVariable(texts[".env"], "DATABASE_URL")
    ? [".env has another DATABASE_URL, which later starts will take"]
    : [];
}

/** With slashes, on Windows, too. */
function relativePath(from: string, to: string): string {
  return relative(from, to).replaceAll("\\", "/");
}
