import type { Logger } from "../../kernel/logger.ts";
import type { LockScopes } from "../locks/lock-scopes.ts";
import type { LockStore } from "../locks/lock-store.ts";
import type { TaskStore } from "../tasks/task-store.ts";
import type { UnitOfWork } from "../transactions/transaction.ts";
import type { RecordDefaults } from "../bulk/record-defaults.ts";
import type { HookTransactions } from "./hook-transactions.ts";
import type { RecordHooks } from "./record-hooks.ts";
import type { RecordReader } from "./record-reader.ts";
import type { RecordWriter } from "./record-writer.ts";
import type { Access } from "../access/access.ts";
import type { ModelRegistry } from "./model.ts";
import type { SideEffects } from "./side-effects.ts";

/** What single writes need. */
export interface WritePorts {
  readonly models: ModelRegistry;
  readonly access: Access;
  /** Opens the transactions that `writer`, `sideEffects` and `locks` take part in. */
  readonly unitOfWork: UnitOfWork;
  readonly writer: RecordWriter;
  readonly reader: RecordReader;
  readonly sideEffects: SideEffects;
  readonly locks: Pick<LockStore, "guard">;
  readonly lockScopes: LockScopes;
  /** For models of which the app has a say in writes. Left out: there are none. */
  readonly app?: {
    /** In the transactions of `unitOfWork`. */
    readonly hooks: RecordHooks;
    /** Values of new records that hooks are to know beforehand. */
    readonly defaults: RecordDefaults;
    readonly typed: HookTransactions["typed"];
  };
  readonly tasks: Pick<TaskStore, "find">;
  readonly logger: Logger;
}
