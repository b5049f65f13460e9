import { describe, expect, it } from "vitest";

import manifest from "../../../package.json" with { type: "json" };
import type { ProjectFacts, SchemaFile } from "../../../src/project/inspect-project.ts";
import { planInit, type InitPlan, type InitWishes } from "../../../src/project/plan-init.ts";
import { PRISMA_VERSION } from "../../../src/project/prisma-version.ts";

const DATASOURCE = 'datasource db {\n  provider = "postgresql"\n}\n';
const CLIENT = 'generator client {\n  provider = "prisma-client"\n  output = "../src/prisma"\n}\n\n';
const BOOK = "\nmodel Book {\n  id Int @id\n}\n";
const PINNED = { dependencies: { "@prisma/client": "^7.10.0" }, devDependencies: { prisma: "7.10.0" } };

interface Project {
  schema?: string | readonly SchemaFile[];
  manifest?: object;
  installed?: ProjectFacts["versions"]["installed"];
  texts?: Partial<ProjectFacts["texts"]>;
  isGitRepository?: boolean;
  configFile?: string;
}

function factsOf(project: Project): ProjectFacts {
  const { schema = CLIENT + DATASOURCE + BOOK, manifest: content = PINNED, installed } = project;
  const files = typeof schema === "string" ? [{ path: "prisma/schema.prisma", content: schema }] : schema;
  const texts = {
    "powercrud.config.ts": undefined,
    ".env.example": undefined,
    ".env": undefined,
    ".gitignore": undefined,
    "tsconfig.json": undefined,
    ...project.texts,
  };
  return {
    dir: "/shop",
    manifestText: `${JSON.stringify(content, null, 2)}\n`,
    versions: { manifest: content, installed: installed ?? { prisma: "7.10.0", "@prisma/client": "7.10.0" } },
    paths: {
      configFile: project.configFile,
      schema:
        files.length === 0
          ? undefined
          : typeof schema === "string"
            ? "/shop/prisma/schema.prisma"
            : "/shop/prisma",
      migrations: "/shop/prisma/migrations",
      databaseUrl: undefined,
      unset: [],
    },
    schemaFiles: files,
    texts,
    isGitRepository: project.isGitRepository ?? false,
  };
}

const NO_WISHES: InitWishes = { databaseUrl: undefined, isDatabaseSet: false, introspected: undefined };

function plan(project: Project = {}, wishes: Partial<InitWishes> = {}): InitPlan {
  const planned = planInit(factsOf(project), { ...NO_WISHES, ...wishes });
  if (planned.kind === "REFUSED") {
    throw new Error(planned.problems.join("\n"));
  }
  return planned;
}

function problemsOf(project: Project): readonly string[] {
  const planned = planInit(factsOf(project), NO_WISHES);
  return planned.kind === "REFUSED" ? planned.problems : [];
}

/** The texts after the changes, by path. */
function filesAfter(planned: InitPlan): Readonly<Record<string, string>> {
  return Object.fromEntries(planned.changes.map(({ path, after }) => [path, after]));
}

describe("the plan of init", () => {
  it("adds one generator block, a config, scripts, and settings as comments", () => {
    const planned = plan();
    const files = filesAfter(planned);
    expect(Object.keys(files)).toEqual([
      "prisma/schema.prisma",
      "prisma.config.ts",
      "package.json",
      "powercrud.config.ts",
      ".env.example",
    ]);
    const block =
      'generator powercrud {\n  provider = "powercrud-generator"\n  output   = "../generated/powercrud.ts"\n}\n\n';
    expect(files["prisma/schema.prisma"]?.replace(block, "")).toBe(CLIENT + DATASOURCE + BOOK);
    expect(files["prisma.config.ts"]).toContain('schema: "prisma/schema.prisma"');
    expect(files["powercrud.config.ts"]).toContain('from "./generated/powercrud.ts"');
    expect(files["powercrud.config.ts"]).toContain("{ Book: { isExposed: false } }");
    expect(files[".env.example"]).toMatch(/^# DATABASE_URL=/m);
    expect(JSON.parse(files["package.json"] ?? "")).toMatchObject({
      ...PINNED,
      scripts: { "powercrud:start": "powercrud start" },
    });
    expect(planned).toMatchObject({ leftAlone: [], isInstallNeeded: false });
  });

  it("is empty for a project that it was applied to", () => {
    const files = filesAfter(
      plan({ isGitRepository: true }, { databaseUrl: "postgresql://me:secret@db/shop" }),
    );
    const again = plan(
      {
        schema: files["prisma/schema.prisma"] ?? "",
        manifest: JSON.parse(files["package.json"] ?? "") as object,
        texts: files,
        configFile: "/shop/prisma.config.ts",
        isGitRepository: true,
      },
      { databaseUrl: "postgresql://me:secret@db/shop" },
    );
    expect(again).toMatchObject({ changes: [], leftAlone: [], generatedModule: "generated/powercrud.ts" });
  });

  it("keeps the old client, and brings a new one only where there is none", () => {
    const old = CLIENT.replace('"prisma-client"', '"prisma-client-js"');
    expect(filesAfter(plan({ schema: old + DATASOURCE }))["prisma/schema.prisma"]).not.toContain(
      '"prisma-client"',
    );
    const without = filesAfter(plan({ schema: DATASOURCE + BOOK }))["prisma/schema.prisma"];
    expect(without).toMatch(
      /"prisma-client"\n {2}output {3}= "\.\.\/generated\/prisma"\n}\n\ngenerator powercrud {/,
    );
  });

  it("finds its place in a schema of several files, and among other generators", () => {
    const schema = [
      { path: "prisma/models/book.prisma", content: BOOK },
      {
        path: "prisma/setup/main.prisma",
        content: `${CLIENT}generator powercrud {\n  provider = "mine"\n}\n\n${DATASOURCE}`,
      },
    ];
    const files = filesAfter(plan({ schema }));
    expect(files["prisma/models/book.prisma"]).toBeUndefined();
    expect(files["prisma/setup/main.prisma"]).toContain(
      '"mine"\n}\n\ngenerator powercrudGraphql {\n  provider = "powercrud-generator"\n  output   = "../../generated/powercrud.ts"\n}\n\ndatasource',
    );
    expect(files["prisma.config.ts"]).toContain('schema: "prisma"');
  });

  it("takes the module from where an existing block writes it, and never from the client's folder", () => {
    const block = 'generator api {\n  provider = "powercrud-generator"\n  output = "../src/api"\n}\n';
    expect(plan({ schema: CLIENT + block + DATASOURCE }).generatedModule).toBe("src/api/powercrud.ts");
    const beside = CLIENT.replace("../src/prisma", "../generated");
    expect(plan({ schema: beside + DATASOURCE }).generatedModule).toBe("powercrud.generated.ts");
  });

  it("imports the module as the project's TypeScript wants it", () => {
    const importIn = (tsconfig: string): string | undefined =>
      /\.\/generated\/powercrud\.\w+/.exec(
        filesAfter(plan({ texts: { "tsconfig.json": tsconfig } }))["powercrud.config.ts"] ?? "",
      )?.[0];
    expect(importIn('{ "compilerOptions": { "strict": true } }')).toBe("./generated/powercrud.js");
    expect(importIn('{ "compilerOptions": { "allowImportingTsExtensions": true } }')).toBe(
      "./generated/powercrud.ts",
    );
  });

  it("never changes what is there, and says what it left alone", () => {
    const planned = plan(
      {
        manifest: { ...PINNED, scripts: { "powercrud:start": "mine", test: "vitest" } },
        texts: {
          "powercrud.config.ts": "mine",
          ".env.example": "A=1\r\n# PORT=3000\r\n",
          ".env": "DATABASE_URL=postgresql://other/db\n",
        },
        configFile: "/shop/prisma.config.ts",
      },
      { databaseUrl: "postgresql://me:secret@db/shop" },
    );
    const files = filesAfter(planned);
    expect(Object.keys(files)).toEqual(["prisma/schema.prisma", "package.json", ".env.example"]);
    expect(files[".env.example"]).toMatch(/^A=1\r\n# PORT=3000\r\n\r\n# powercrud/);
    expect(files[".env.example"]).not.toContain("PORT=4000");
    expect(JSON.parse(files["package.json"] ?? "")).toMatchObject({
      scripts: { "powercrud:start": "mine", test: "vitest", "powercrud:work": "powercrud work" },
    });
    expect(planned.leftAlone).toEqual([
      "package.json has another script powercrud:start",
      ".env has another DATABASE_URL, which later starts will take",
    ]);
  });

  it("keeps the database's password out of git", () => {
    const databaseUrl = "postgresql://me:secret@db/shop";
    const files = filesAfter(
      plan({ isGitRepository: true, texts: { ".gitignore": "/node_modules" } }, { databaseUrl }),
    );
    expect(files[".env"]).toBe('DATABASE_URL="postgresql://me:secret@db/shop"\n');
    expect(files[".gitignore"]).toBe("/node_modules\n\n.powercrud/\n.env\n");
    const ignored = filesAfter(plan({ texts: { ".gitignore": ".powercrud\n.env*\n" } }, { databaseUrl }));
    expect(ignored).not.toHaveProperty([".gitignore"]);
  });

  it("writes the schema that was read from a database", () => {
    const introspected = { path: "prisma/schema.prisma", content: DATASOURCE + BOOK };
    const planned = plan({ schema: [] }, { introspected });
    expect(planned.changes[0]).toMatchObject({ path: "prisma/schema.prisma", before: undefined });
    expect(filesAfter(planned)["prisma/schema.prisma"]).toMatch(
      /generator client[\s\S]*generator powercrud[\s\S]*model Book/,
    );
    expect(filesAfter(planned)["prisma.config.ts"]).toContain('schema: "prisma/schema.prisma"');
  });
});

describe("the version of Prisma", () => {
  it("is the one that this package is tested with", () => {
    expect(manifest.dependencies["@prisma/schema-engine-wasm"]).toMatch(new RegExp(`^${PRISMA_VERSION}-`));
  });

  it("is pinned where package.json lacks it, or would take another major version", () => {
    const pins = (content: object) => {
      const planned = plan({
        manifest: content,
        installed: { prisma: "7.11.2", "@prisma/client": "7.11.2" },
      });
      const { dependencies, devDependencies } = JSON.parse(
        filesAfter(planned)["package.json"] ?? "",
      ) as typeof PINNED;
      return [planned.isInstallNeeded, dependencies, devDependencies];
    };
    const pinned = [true, { "@prisma/client": "7.11.2" }, { prisma: "7.11.2" }];
    expect(pins({ dependencies: {}, devDependencies: {} })).toEqual(pinned);
    expect(
      pins({ dependencies: { "@prisma/client": "latest" }, devDependencies: { prisma: ">=7" } }),
    ).toEqual(pinned);
    const kept = { dependencies: { "@prisma/client": "^7.10.0" }, devDependencies: { prisma: "7.x" } };
    expect(pins(kept)).toEqual([false, kept.dependencies, kept.devDependencies]);
  });

  it.for([
    ["8.0.1", "Go back to Prisma 7: npm install @prisma/client@7.10.0"],
    ["7.9.0", "from 7.10 on. Run: npm install @prisma/client@7.10.0"],
    ["6.19.0", "Upgrade first"],
    ["5.22.0", "Upgrade first"],
  ])("%s is refused with advice", ([version = "", advice = ""]) => {
    const installed = { prisma: version, "@prisma/client": version };
    expect(problemsOf({ installed })).toEqual([expect.stringContaining(advice)]);
    const manifestOnly = { dependencies: { prisma: `^${version}` } };
    expect(problemsOf({ installed: {}, manifest: manifestOnly })).toEqual([expect.stringContaining(advice)]);
  });

  it("is made the same for both packages where npm chose two as peers", () => {
    const installed = { prisma: "7.10.1", "@prisma/client": "7.10.0" };
    const pinsOf = (content: object): object =>
      JSON.parse(filesAfter(plan({ manifest: content, installed }))["package.json"] ?? "") as object;
    expect(pinsOf({})).toMatchObject({
      dependencies: { "@prisma/client": "7.10.0" },
      devDependencies: { prisma: "7.10.0" },
    });
    expect(pinsOf({ devDependencies: { prisma: "^7.10.0" } })).toMatchObject({
      dependencies: { "@prisma/client": "7.10.1" },
      devDependencies: { prisma: "^7.10.0" },
    });
  });

  it("is refused where the client has another one", () => {
    expect(problemsOf({ installed: { prisma: "7.10.0", "@prisma/client": "7.11.0" } })).toEqual([
      expect.stringContaining("must have the same version"),
    ]);
  });
});

describe("init refuses", () => {
  it.for([
    ["a project without a schema", [], "There is no Prisma schema"],
    ["a schema without a datasource", BOOK, "there is no datasource block"],
    ["another database", DATASOURCE.replace("postgresql", "mysql"), "the datasource's provider is mysql"],
    [
      "a datasource of Prisma 6",
      DATASOURCE.replace("}", '  url = env("DATABASE_URL")\n}'),
      "Prisma 7 refuses url in the datasource block",
    ],
  ] as const)("%s", ([, schema, problem]) => {
    expect(problemsOf({ schema })).toEqual([expect.stringContaining(problem)]);
  });

  it("a project whose database powercrud would not find", () => {
    const facts = factsOf({});
    const planned = planInit(
      { ...facts, paths: { ...facts.paths, databaseUrl: "postgresql://db/shop" } },
      NO_WISHES,
    );
    expect(planned).toMatchObject({ problems: [expect.stringContaining("DATABASE_URL is not set")] });
  });

  it("with all reasons at once", () => {
    expect(problemsOf({ schema: [], installed: { prisma: "6.1.0" } })).toHaveLength(2);
  });
});
