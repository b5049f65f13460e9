import { isAppError } from "../../kernel/app-error.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";

/** The state of a part of the deployment. WARNING: it works, and the operator should look at it. */
export type HealthStatus = "OK" | "WARNING" | "FAILED";

/** What an examination found. */
export interface Finding {
  readonly status: HealthStatus;
  /** In words that every caller of the API may read: no addresses, no errors of drivers. */
  readonly message: string;
  /** What the operator should know beside it; not for callers of the API. */
  readonly detail?: string;
}

/** A part of the deployment, and what was found. */
export interface HealthCheck extends Finding {
  /** One word, such as "database". */
  readonly name: string;
  /** How long the examination took, in ms; null where there was none. */
  readonly latencyMs: number | null;
}

/** Looks at one part of the deployment. */
export interface Examination {
  readonly name: string;
  /**
   * An error that it throws is a finding, too: FAILED, with the message of an AppError.
   * @param signal is aborted when the wait for the finding is over
   */
  examine(signal: AbortSignal): Promise<Finding>;
}

/** What running examinations needs. */
export interface ExaminationPorts {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long an examination may take by default, in ms. */
const PATIENCE_MS = 3000;

/**
 * Runs them side by side and returns what each found, in the same order. Never rejects, and takes no longer than the
 * patience, even if something hangs.
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

/** An unexpected error may say anything, so the caller is not shown it. */
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
