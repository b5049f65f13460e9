/** What the operator decides about launches. */
export interface LaunchSettings {
  /** False: everything runs in the request. */
  readonly isAsyncEnabled: boolean;
  /** From so many records on a launch is asynchronous. */
  readonly minAsyncRecords: number;
  /** A claim on more records is made on the whole model instead. */
  readonly lockEscalationRecords: number;
  /** What becomes of a launch that cannot be enqueued: withdrawn with an error, or run in the request. */
  readonly whenQueueDown: "error" | "sync";
}
