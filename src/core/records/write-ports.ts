import type { Logger } from "../../kernel/logger.ts";
import type { LockScopes } from "../locks/lock-scopes.ts";
import type { LockStore } from "../locks/lock-store.ts";
import type { TaskStore } from "../tasks/task-store.ts";
import type { UnitOfWork } from "../transactions/transaction.ts";
import type { RecordReader } from "./record-reader.ts";
import type { RecordWriter } from "./record-writer.ts";
import type { ScopePorts } from "./scoped-filter.ts";
import type { SideEffects } from "./side-effects.ts";

/** What single writes need. */
export interface WritePorts extends ScopePorts {
  /** Opens the transactions that `writer`, `sideEffects` and `locks` take part in. */
  readonly unitOfWork: UnitOfWork;
  readonly writer: RecordWriter;
  readonly reader: RecordReader;
  readonly sideEffects: SideEffects;
  readonly locks: Pick<LockStore, "guard">;
  readonly lockScopes: LockScopes;
  readonly tasks: Pick<TaskStore, "find">;
  readonly logger: Logger;
}
