import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";

import { AppError } from "../kernel/app-error.ts";

/** A program to run in the project. */
export interface Tool {
  /** As a user would type it, for messages. */
  readonly command: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The lock file of each package manager, with the command that installs. */
const INSTALLERS: readonly (readonly [lockFile: string, program: string, args: readonly string[]])[] = [
  ["pnpm-lock.yaml", "pnpm", ["install"]],
  ["yarn.lock", "yarn", ["install"]],
  ["bun.lock", "bun", ["install"]],
  ["bun.lockb", "bun", ["install"]],
];
const NPM = ["npm", ["install", "--prefer-offline", "--no-audit", "--no-fund"]] as const;

/** The program that installs the packages of a project, by the lock file of the project or of the workspace around it. */
export function findInstaller(dir: string): Tool {
  const folders = parentsOf(dir);
  const known = folders
    .flatMap((folder) => INSTALLERS.filter(([lockFile]) => existsSync(join(folder, lockFile))))
    .at(0);
  const [program, args] = known === undefined ? NPM : [known[1], known[2]];
  return { command: [program, ...args].join(" "), file: program, args, env: {} };
}

/**
 * The program `prisma generate` of the project.
 * @param unset variables that prisma.config needs and that are not set; generating connects to no database
 * @throws AppError START_FAILED if Prisma is not installed
 */
export function findGenerator(dir: string, env: Environment, unset: readonly string[]): Tool {
  let manifest: string;
  try {
    manifest = createRequire(join(dir, "package.json")).resolve("prisma/package.json");
  } catch (cause) {
    throw new AppError("START_FAILED", "Prisma is not installed; install the project's packages first", {
      cause,
    });
  }
  // Generators are found by the names of their programs.
  const programs = parentsOf(dir).map((folder) => join(folder, "node_modules/.bin"));
  return {
    command: "npx prisma generate",
    file: process.execPath,
    args: [join(dirname(manifest), "build/index.js"), "generate"],
    env: {
      PATH: [...programs, env["PATH"] ?? ""].join(delimiter),
      // `generate` never runs this program, but downloads it unless this names an existing file.
      PRISMA_SCHEMA_ENGINE_BINARY: env["PRISMA_SCHEMA_ENGINE_BINARY"] ?? process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: "1",
      CHECKPOINT_DISABLE: "1",
      ...Object.fromEntries(unset.map((name) => [name, "postgresql://not-set"])),
    },
  };
}

function parentsOf(dir: string): readonly string[] {
  const parent = dirname(dir);
  return parent === dir ? [dir] : [dir, ...parentsOf(parent)];
}

/** Of what a failed program wrote, the last lines are shown. */
const SHOWN_LINES = 20;

/** Runs the program to its end. @throws AppError START_FAILED with the end of what it wrote */
export async function runTool(tool: Tool, dir: string, env: Environment, signal: AbortSignal): Promise<void> {
  const written: string[] = [];
  const ending = await new Promise<string | undefined>((done) => {
    const child = spawn(tool.file, tool.args, {
      cwd: dir,
      env: { ...env, ...tool.env },
      stdio: ["ignore", "pipe", "pipe"],
      signal,
      // Package managers are scripts for the shell there.
      shell: process.platform === "win32" && tool.file !== process.execPath,
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (piece: string) => void written.push(piece));
    }
    child.once("error", (error) => done(error.message));
    child.once("close", (code, stopped) => done(code === 0 ? undefined : `ended with ${stopped ?? code}`));
  });
  if (ending !== undefined) {
    const lines = written.join("").trim().split("\n").slice(-SHOWN_LINES);
    throw new AppError("START_FAILED", [`${tool.command}: ${ending}`, ...lines].join("\n"));
  }
}
