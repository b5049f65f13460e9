/** How a part of the deployment fares. WARNING: it works, and somebody should look at it. */
export type HealthStatus = "OK" | "WARNING" | "FAILED";

/** What an examination found. */
export interface Finding {
  readonly status: HealthStatus;
  /** In words that every caller of the API may read: no addresses, no errors of drivers. */
  readonly message: string;
  /** What the operator should know beside it; not for callers of the API. */
  readonly detail?: string;
}

/** A part of the deployment, and how it was found. */
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
   * @param signal is aborted when nobody waits for the finding any more
   */
  examine(signal: AbortSignal): Promise<Finding>;
}
