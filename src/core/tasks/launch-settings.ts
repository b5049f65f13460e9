/** What the operator decides about launches. */
export interface LaunchSettings {
  /** False: everything runs in the request. */
  readonly isAsyncEnabled: boolean;
  /** From so many records on a launch is asynchronous. */
  readonly minAsyncRecords: number;
}
