import { isAppError } from "../../kernel/app-error.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Examination, Finding, HealthCheck } from "./health-check.ts";

/** What examinations are run with. */
export interface ExaminationPorts {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long an examination may take, in ms, where nothing else is said. */
const PATIENCE_MS = 3000;

/**
 * Runs them side by side, and tells of each what it found, in the same order. Never rejects, and takes no longer than
 * the patience, whatever hangs.
 * @param patienceMs for each of them. Default 3,000
 */
export function runExaminations(
  ports: ExaminationPorts,
  examinations: readonly Examination[],
  patienceMs = PATIENCE_MS,
): Promise<readonly HealthCheck[]> {
  return Promise.all(examinations.map((examination) => runOne(ports, examination, patienceMs)));
}

async function runOne(
  { clock, logger }: ExaminationPorts,
  { name, examine }: Examination,
  patienceMs: number,
): Promise<HealthCheck> {
  const begun = clock.now().getTime();
  const patience = new AbortController();
  const stopTimer = clock.after(patienceMs, () => patience.abort());
  const outOfPatience = new Promise<Finding>((resolve) => {
    patience.signal.addEventListener("abort", () =>
      resolve({ status: "FAILED", message: `There was no answer within ${patienceMs} ms.` }),
    );
  });
  const finding = examine(patience.signal).catch((error: unknown) => findingOf(error, name, logger));
  const { status, message, detail } = await Promise.race([finding, outOfPatience]);
  stopTimer();
  const latencyMs = clock.now().getTime() - begun;
  return { name, status, message, ...(detail === undefined ? {} : { detail }), latencyMs };
}

/** Of an unexpected error the caller learns nothing: it may say anything. */
function findingOf(error: unknown, name: string, logger: Logger): Finding {
  if (isAppError(error) && error.code !== "INTERNAL") {
    return { status: "FAILED", message: error.message, ...detailOf(error.cause) };
  }
  logger.warn({ err: error, check: name }, "a health check met an unexpected error");
  return { status: "FAILED", message: "It could not be examined.", ...detailOf(error) };
}

function detailOf(error: unknown): Pick<Finding, "detail"> {
  return error instanceof Error && error.message !== "" ? { detail: error.message } : {};
}
