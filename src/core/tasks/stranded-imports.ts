/** The sweeper's view of imports: those whose file does not come any more, and rows that nobody needs. */
export interface StrandedImports {
  /** RECEIVING tasks whose lease ended before the moment: their receiver is dead, or they waited for a file in vain. Oldest first. */
  findExpired(at: Date, limit: number): Promise<readonly string[]>;
  /** Deletes what a task that does not go on has of its file: all, or the values to write. */
  dropRows(taskId: string, what: "ALL" | "VALUES"): Promise<void>;
  /** Deletes what nobody needs any more of the rows of settled imports. @returns the number of imports */
  tidy(limit: number): Promise<number>;
}
