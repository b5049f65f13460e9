import { AppError } from "../kernel/app-error.ts";
import type { ErrorCode } from "../kernel/error-codes.ts";
import type { Finding } from "../core/health/health-check.ts";
import type { LockLedger } from "../core/locks/lock-ledger.ts";
import type { PrefixOwner } from "../adapters/redis/prefix-owner.ts";

const FOREIGN = "The keys of this service in Redis belong to a deployment on another database";

/** Takes the prefix for the deployment. @throws AppError with the code where it is another's; UNAVAILABLE */
export async function ownPrefix(owner: PrefixOwner, code: ErrorCode): Promise<void> {
  if (!(await owner.take())) {
    throw foreign(owner, code);
  }
}

/** Takes nothing: for who does not yet know whether the deployment takes it in. @throws as {@link ownPrefix} */
export async function refuseForeignPrefix(owner: PrefixOwner, code: ErrorCode): Promise<void> {
  if (await owner.isForeign()) {
    throw foreign(owner, code);
  }
}

/** Undefined where the prefix is ours, or nobody's. */
export async function findForeignPrefix(owner: PrefixOwner): Promise<Finding | undefined> {
  return (await owner.isForeign())
    ? { status: "FAILED", message: `${FOREIGN}.`, detail: remedyOf(owner) }
    : undefined;
}

/** Builds no lock table under a prefix that another deployment took after Redis had lost everything. */
export function guardPrefix(ledger: LockLedger, owner: PrefixOwner): LockLedger {
  return {
    ...ledger,
    async enterAlone(transaction) {
      const entry = await ledger.enterAlone(transaction);
      await ownPrefix(owner, "UNAVAILABLE");
      return entry;
    },
  };
}

function foreign(owner: PrefixOwner, code: ErrorCode): AppError {
  return new AppError(code, `${FOREIGN}. ${remedyOf(owner)}`);
}

function remedyOf({ key }: PrefixOwner): string {
  return `Set POWERCRUD_REDIS_KEY_PREFIX to one that nobody uses; or, if that deployment is gone, delete the key ${key}.`;
}
