/** A file that an attempt of a task writes. */
export interface TaskFile {
  readonly taskId: string;
  /** A next attempt begins a file of its own. */
  readonly attempt: number;
}

/** Keeps the files that tasks write, in bounded parts, so that every process can send them. */
export interface TaskFiles {
  /** @param part from 0 on; written once */
  append(file: TaskFile, part: number, bytes: Uint8Array): Promise<void>;
  /** Undefined for a part that is not there, or not any more. */
  read(file: TaskFile, part: number): Promise<Uint8Array | undefined>;
  /** Deletes files of tasks that have settled before, and of attempts whose file nobody reads. Bounded: the next call takes the rest. */
  prune(finishedBefore: Date): Promise<void>;
}
