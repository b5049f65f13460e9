import { diagnoseDeployment } from "../../compose/diagnose-deployment.ts";
import { isAppError } from "../../kernel/app-error.ts";
import type { CliContext } from "../cli-context.ts";
import { createCliContext } from "../cli-context.ts";
import { VERSION } from "../find-project.mjs";

/** The options of `powercrud doctor`. */
export interface DoctorOptions {
  /** Prints one JSON document instead of lines. */
  readonly json?: boolean;
}

type Diagnosis = Awaited<ReturnType<typeof diagnoseDeployment>>;
type Check = Diagnosis["checks"][number];

/** `powercrud doctor`: reports what is wrong, even if nothing can start. @returns whether no check FAILED */
export async function doctor({ json: isJson = false }: DoctorOptions): Promise<boolean> {
  const diagnosis = await diagnose();
  const lines = isJson ? [JSON.stringify(toDocument(diagnosis), null, 2)] : describeDiagnosis(diagnosis);
  process.stdout.write(`${lines.join("\n")}\n`);
  return diagnosis.isHealthy;
}

/** Runs the diagnosis. Wrong settings become its only check, which failed. */
async function diagnose(): Promise<Diagnosis> {
  let context: CliContext;
  try {
    context = await createCliContext();
  } catch (error) {
    if (!isAppError(error, "INVALID_CONFIG")) {
      throw error;
    }
    const check = {
      name: "configuration",
      status: "FAILED",
      message: error.message,
      latencyMs: null,
    } as const;
    return { isHealthy: false, backend: null, checks: [check], workersAlive: 0, processes: [] };
  }
  const { config, database, projectDir, logger } = context;
  const loadProject = context.hasProjectFile ? context.loadProject : undefined;
  return diagnoseDeployment({ config, database, projectDir, logger, loadProject });
}

function toDocument({ backend, ...diagnosis }: Diagnosis): object {
  const { isHealthy, ...rest } = diagnosis;
  return {
    isHealthy,
    version: VERSION,
    node: process.version,
    backend: backend?.name ?? null,
    backendReason: backend?.reason ?? null,
    ...rest,
  };
}

/** The diagnosis as lines for a terminal. */
export function describeDiagnosis({ isHealthy, checks, processes }: Diagnosis): string[] {
  return [
    `powercrud-graphql ${VERSION} on Node ${process.version}`,
    ...checks.flatMap(describeCheck),
    ...processes.map(({ role, id, concurrency }) => `process ${id}: ${role}, ${concurrency} tasks at a time`),
    isHealthy ? "healthy" : "not healthy",
  ];
}

function describeCheck({ name, status, message, detail, latencyMs }: Check): string[] {
  const took = latencyMs === null ? "" : ` (${latencyMs} ms)`;
  const [first = "", ...more] = `${message}${detail === undefined ? "" : `\n${detail}`}`.split("\n");
  const head = `${status.padEnd(8)}${name.padEnd(14)}${first}${took}`;
  return [head, ...more.map((line) => `${" ".repeat(22)}${line}`)];
}
