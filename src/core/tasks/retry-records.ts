/** Which of a task's records are tried again: those that failed, those that it did not come to, or both. */
export const RETRY_RECORDS = ["FAILED", "UNPROCESSED", "FAILED_AND_UNPROCESSED"] as const;

export type RetryRecords = (typeof RETRY_RECORDS)[number];
