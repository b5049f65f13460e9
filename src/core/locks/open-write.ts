import { AsyncLocalStorage } from "node:async_hooks";
import { AppError } from "../../kernel/app-error.ts";
import type { Viewer } from "../access/viewer.ts";
import type { Transaction, UnitOfWork } from "../transactions/transaction.ts";
import type { Claim, RecordIds } from "./claim.ts";
import { withoutEmptyClaims } from "./claim.ts";
import type { LockRefusal, LockStore } from "./lock-store.ts";
import { conflictsWith, describeHeld } from "./lock-refusal.ts";

/** Why a write cannot go on as it is. Its transaction must be rolled back. */
export type WriteStop =
  /** Its hooks need records that other tasks hold. */
  | { readonly kind: "HELD"; readonly refusal: LockRefusal }
  /** Its hooks need models that another transaction is in. Tried again, it must enter them before it locks rows. */
  | { readonly kind: "BUSY"; readonly models: readonly string[] };

/** Carries a stop out of the transaction. Always caught by the writer. */
export class WriteStopped extends Error {
  readonly stop: WriteStop;
  constructor(stop: WriteStop) {
    super("a write was stopped by the app's code");
    this.stop = stop;
  }
}

/** A write whose transaction the app's code takes part in: a hook, a validator, or the app's own writer. */
export interface OpenWrite {
  readonly transaction: Transaction;
  /** Prisma's client in the transaction. */
  readonly client: unknown;
  /** The records as a claim of the write's viewer. @throws AppError for an unknown model, or an id that is none of it */
  claimOf(model: string, ids: RecordIds): Claim;
  /**
   * Keeps others off the records: claims them for the owner from the commit on, or, without an owner, guards them until
   * the commit. Never waits at the gate.
   * @throws AppError RECORD_LOCKED if another task holds one. The write then fails, even if the app catches the error
   */
  hold(claims: readonly Claim[], owner: string | undefined): Promise<void>;
  /** Enters the models, for claims of another owner. The write is stopped, and tried again, rather than to wait. */
  enter(models: readonly string[]): Promise<void>;
  /** Does work in the transaction, as a part that can be undone. */
  readonly unitOfWork: UnitOfWork;
  readonly viewer: Viewer;
  /** Launches a task for the app's code, which has no engine at hand. */
  readonly launch: LaunchInside;
}

/** Launches one of the app's own tasks from inside a task or a hook. The rooms above type what it takes and returns. */
export type LaunchInside = (launch: {
  readonly kind: string;
  readonly input: unknown;
  readonly options: object;
  readonly viewer?: Viewer;
}) => Promise<unknown>;

/** What {@link runInWrite} needs. */
export interface OpenWriteOptions extends Pick<
  OpenWrite,
  "transaction" | "client" | "claimOf" | "viewer" | "launch"
> {
  /** Undoes the work if it throws. */
  undoable<T>(transaction: Transaction, work: () => Promise<T>): Promise<T>;
  readonly locks: Pick<LockStore, "tryEnter" | "acquireRunning" | "guard" | "owners">;
  /** True: owners are only looked up. A dry run must not keep other tasks from claiming. */
  readonly isDryRun: boolean;
}

const storage = new AsyncLocalStorage<OpenWrite | undefined>();

/** The write whose hook is running, if there is one. */
export function currentWrite(): OpenWrite | undefined {
  return storage.getStore();
}

/** Runs code that belongs to no write, such as another task's. */
export function outsideWrite<T>(work: () => T): T {
  return storage.run(undefined, work);
}

/**
 * Runs the app's code as a part of the write.
 * @throws WriteStopped if the code came to need what it cannot have
 */
export async function runInWrite<T>(options: OpenWriteOptions, work: () => Promise<T>): Promise<T> {
  const { transaction, client, claimOf, viewer, launch, locks } = options;
  const state: { isOver: boolean; stop?: WriteStop } = { isOver: false };
  const refuseIfOver = (): void => {
    if (state.isOver) {
      throw new AppError(
        "OUTSIDE_TASK",
        "The hook has returned, so its write cannot hold more records. Await what the hook starts.",
      );
    }
  };
  const stopIf = (stop: WriteStop | undefined): void => {
    if (stop !== undefined) {
      state.stop ??= stop;
      throw new AppError("RECORD_LOCKED", describeStop(stop));
    }
  };
  const write: OpenWrite = {
    transaction,
    client,
    claimOf,
    viewer,
    launch,
    unitOfWork: { run: (part) => options.undoable(transaction, () => part(transaction)) },
    async hold(claims, owner) {
      refuseIfOver();
      const named = withoutEmptyClaims(claims);
      stopIf(named.length === 0 ? undefined : await tryToHold(options, named, owner));
    },
    async enter(models) {
      refuseIfOver();
      const isEntered = models.length === 0 || (await locks.tryEnter(transaction, models, "CLAIM"));
      stopIf(isEntered ? undefined : { kind: "BUSY", models });
    },
  };
  const ended = await storage.run(write, work).then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  state.isOver = true;
  if (state.stop !== undefined) {
    throw new WriteStopped(state.stop);
  }
  if ("error" in ended) {
    throw ended.error;
  }
  return ended.value;
}

/** How a write is tried. */
export interface WriteWay {
  /** The models to enter before any row is locked. */
  readonly entered: readonly string[];
  /** Whether records whose hooks need held ones are found and left out, so that the others are written. */
  readonly isApart: boolean;
}

/**
 * Tries a write until nothing stops it. Each try is a transaction of its own.
 * @param onHeld APART: the next try leaves out the records that cannot be written; or makes the result of the refusal
 */
export async function untilUnstopped<T>(
  write: (way: WriteWay) => Promise<T>,
  onHeld: "APART" | ((refusal: LockRefusal) => T),
): Promise<T> {
  let way: WriteWay = { entered: [], isApart: false };
  for (;;) {
    try {
      return await write(way);
    } catch (error) {
      if (!(error instanceof WriteStopped)) {
        throw error;
      }
      const { stop } = error;
      if (stop.kind === "HELD" && onHeld !== "APART") {
        return onHeld(stop.refusal);
      }
      way =
        stop.kind === "HELD"
          ? { ...way, isApart: true }
          : { ...way, entered: [...new Set([...way.entered, ...stop.models])] };
    }
  }
}

async function tryToHold(
  { locks, transaction, isDryRun }: OpenWriteOptions,
  claims: readonly Claim[],
  owner: string | undefined,
): Promise<WriteStop | undefined> {
  if (isDryRun) {
    const seen = await conflictsWith(locks, claims, owner);
    return seen.kind === "CONFLICT" ? { kind: "HELD", refusal: seen } : undefined;
  }
  const models = [...new Set(claims.map(({ model }) => model))];
  if (!(await locks.tryEnter(transaction, models, owner === undefined ? "GUARD" : "CLAIM"))) {
    return { kind: "BUSY", models };
  }
  const result = await (owner === undefined
    ? locks.guard(transaction, claims)
    : locks.acquireRunning(transaction, owner, claims));
  return result.kind === "CONFLICT" ? { kind: "HELD", refusal: result } : undefined;
}

function describeStop(stop: WriteStop): string {
  return stop.kind === "HELD"
    ? describeHeld(stop.refusal)
    : `Another write is in the way at ${stop.models.join(", ")}. This one is tried again.`;
}
