import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";

import { SEED_VARIABLES } from "../../prisma/seed/seed.ts";
import { createProgram } from "../../src/cli/program.ts";
import { loadConfig } from "../../src/config/config.ts";
import { SERVICE_VARIABLES } from "../../src/config/service-variables.ts";
import { codeBlocks } from "../support/markdown-code.ts";

/** The variables of the service and of the demo. */
const VARIABLES = { ...SERVICE_VARIABLES, ...SEED_VARIABLES };

const ROOT = resolve(import.meta.dirname, "../..");
const COMMANDS = createProgram().commands.map((command) => command.name());
/** Only for contributors to this project. */
const INTERNAL = "print-config-docs";

interface Service {
  readonly build?: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly deploy?: { readonly replicas: number };
  readonly ports?: readonly string[];
}

let services: Readonly<Record<string, Service>>;
let ours: readonly (readonly [string, Service])[];

const read = (file: string): Promise<string> => readFile(resolve(ROOT, file), "utf8");

beforeAll(async () => {
  // As Docker Compose does where the variable is not set.
  const text = (await read("compose.yaml")).replaceAll(/\$\{\w+:-(.*?)\}/g, "$1");
  const document = parse(text, { merge: true, strict: true }) as {
    services: Record<string, Service>;
  };
  ({ services } = document);
  ours = Object.entries(services).filter(([, { build }]) => build !== undefined);
});

describe("compose.yaml", () => {
  test("has PostgreSQL, Redis, one migration, one API and two workers", () => {
    expect(Object.keys(services)).toEqual(["postgres", "redis", "migrate", "serve", "work"]);
    expect(ours.map(([name, { command }]) => [name, command])).toEqual([
      ["migrate", ["migrate"]],
      ["serve", ["serve"]],
      ["work", ["work"]],
    ]);
    expect(services["work"]?.deploy?.replicas).toBe(2);
  });

  test("runs existing commands with settings that they accept", () => {
    for (const [, { command = [], environment = {} }] of ours) {
      expect(COMMANDS).toContain(command[0]);
      const names = Object.values(VARIABLES).map(({ name }) => name);
      expect(Object.keys(environment).filter((name) => !names.includes(name))).toEqual([]);
      expect(loadConfig(environment, VARIABLES)).toMatchObject({ backend: "redis" });
    }
  });

  test("connects to the existing databases as their users", () => {
    for (const [, { environment = {} }] of ours) {
      const { DATABASE_URL: database = "", REDIS_URL: redis = "" } = environment;
      const { hostname, username, password, pathname } = new URL(database);
      expect(services[hostname]?.environment).toEqual({
        POSTGRES_USER: username,
        POSTGRES_PASSWORD: password,
        POSTGRES_DB: pathname.slice(1),
      });
      // Its search path would begin with the engine's schema.
      expect(username).not.toBe("powercrud");
      expect(Object.keys(services)).toContain(new URL(redis).hostname);
    }
  });

  test("waits for its dependencies to be healthy or done, and checks the API's port", () => {
    for (const [, { depends_on: needs = {} }] of ours) {
      for (const [name, { condition }] of Object.entries(needs)) {
        const isChecked = services[name]?.healthcheck !== undefined;
        expect([name, condition]).toEqual([
          name,
          isChecked ? "service_healthy" : "service_completed_successfully",
        ]);
      }
    }
    const { ports, environment, healthcheck } = services["serve"] ?? {};
    expect(ports).toEqual([`127.0.0.1:4000:${environment?.["PORT"]}`]);
    expect(healthcheck?.test.join(" ")).toContain(`:${environment?.["PORT"]}/health/ready`);
  });

  test("has a Redis that never drops data", () => {
    expect(services["redis"]?.command?.join(" ")).toBe(
      "redis-server --maxmemory-policy noeviction --appendonly yes",
    );
  });
});

describe("Dockerfile", () => {
  /** The instructions of each stage. */
  let stages: readonly (readonly string[])[];
  beforeAll(async () => {
    const lines = (await read("Dockerfile")).split("\n").filter((line) => /^[A-Z]+ /.test(line));
    const starts = lines.flatMap((line, index) => (line.startsWith("FROM ") ? [index] : []));
    stages = starts.map((start, index) => lines.slice(start, starts[index + 1]));
  });

  test("copies existing files and runs existing scripts", async () => {
    const copied = stages
      .flat()
      .filter((line) => line.startsWith("COPY ") && !line.includes("--from="))
      .flatMap((line) => line.split(" ").slice(1, -1));
    expect(copied.filter((file) => !existsSync(resolve(ROOT, file)))).toEqual([]);
    const { scripts } = JSON.parse(await read("package.json")) as { scripts: Record<string, string> };
    const run = [
      ...stages
        .flat()
        .join("\n")
        .matchAll(/npm run ([\w-]+)/g),
    ].map(([, name = ""]) => name);
    expect(run).toEqual(["generate", "build"]);
    expect(run.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  test("runs the build, with production dependencies and without the sources", () => {
    const last = stages.at(-1) ?? [];
    expect(last.filter((line) => line.includes("npm ci"))).toEqual([
      "RUN npm ci --omit=dev --no-audit --no-fund",
    ]);
    expect(last).toContain("COPY --from=build /app/dist dist");
    expect(last.filter((line) => /^COPY (?!--from)/.test(line)).join(" ")).not.toMatch(
      /\b(src|scripts|test)\b|\. \./,
    );
    const argumentsOf = (name: string): string[] =>
      JSON.parse(last.find((line) => line.startsWith(`${name} `))?.slice(name.length) ?? "[]") as string[];
    const [program, file = ""] = argumentsOf("ENTRYPOINT");
    expect([program, existsSync(resolve(ROOT, file))]).toEqual(["node", true]);
    expect(COMMANDS).toContain(argumentsOf("CMD")[0]);
  });
});

describe("README.md", () => {
  test("names every command, and no other", async () => {
    const readme = await read("README.md");
    const [list = ""] = /^`npx powercrud start [^`]*`/m.exec(readme) ?? [];
    const listed = list.replaceAll("`", "").replace("npx powercrud ", "").split(" | ");
    expect(listed.toSorted()).toEqual(COMMANDS.filter((name) => name !== INTERNAL).toSorted());
  });

  test("uses only existing commands, services and settings", async () => {
    const shell = codeBlocks(await read("README.md"), "sh").join("\n");
    const run = [...shell.matchAll(/npx powercrud ([\w-]+)/g)].map(([, name = ""]) => name);
    expect(run).toEqual(expect.arrayContaining(["seed", "serve", "work", "doctor"]));
    expect(run.filter((name) => !COMMANDS.includes(name))).toEqual([]);
    const composed = [...shell.matchAll(/docker compose run --rm (\w+) (\w+)/g)];
    expect(composed.length).toBeGreaterThan(0);
    for (const [, service = "", command = ""] of composed) {
      expect([Object.keys(services).includes(service), COMMANDS.includes(command)]).toEqual([true, true]);
    }
    const names = Object.values(VARIABLES).map(({ name }) => name);
    const set = [...shell.matchAll(/(?:^|\s)([A-Z][A-Z_]+)=/g)].map(([, name = ""]) => name);
    expect(set).toContain("REDIS_URL");
    expect(set.filter((name) => !names.includes(name))).toEqual([]);
  });
});
