import type { Claim } from "../../core/locks/claim.ts";
import { ACQUIRE_RECORDS } from "./lua/acquire-records.ts";
import { ACQUIRE_WHOLE } from "./lua/acquire-whole.ts";
import { LIST_OWNERS } from "./lua/list-owners.ts";
import { BEGIN_TURN } from "./lua/begin-turn.ts";
import { BUILD_EPOCH, OPEN_EPOCH } from "./lua/open-epoch.ts";
import { MOVE_RECORDS } from "./lua/move-records.ts";
import { READ_OWNED } from "./lua/read-owned.ts";
import { READ_OWNERS } from "./lua/read-owners.ts";
import { RELEASE_NEXT } from "./lua/release-next.ts";
import { RELEASE_RECORDS } from "./lua/release-records.ts";
import { RELEASE_WHOLE } from "./lua/release-whole.ts";
import { REMOVE_EPOCHS } from "./lua/remove-epochs.ts";
import { SCAN_RECORDS } from "./lua/scan-records.ts";
import type { IdBatch } from "./id-batches.ts";
import { LostTurn, NO_TURN } from "./lock-turn.ts";
import type { ScriptClient } from "./run-script.ts";
import { runScript } from "./run-script.ts";

/** The server does not know the epoch: it lost the locks, or others have built them anew. */
export class LostLocks extends Error {
  readonly epoch: string;
  constructor(epoch: string) {
    super("the locks of this epoch are lost");
    this.epoch = epoch;
  }
}

/** What became of a batch, or would. */
export interface BatchResult {
  /** Whether others were in the way; then nothing was taken. */
  readonly isBlocked: boolean;
  /** The owner had nothing at all before. */
  readonly wasEmpty: boolean;
  /** What it had before of what it asked. */
  readonly had: ReadonlySet<string>;
  /** What it had under another scope, with that scope: a take has moved it. */
  readonly moved: readonly (readonly [id: string, scope: string])[];
  /** Records in the way, and the owners; at most as many as asked for. */
  readonly records: readonly (readonly [id: string, owner: string])[];
  /** Who has the whole model, in one scope or another; counts as one conflict. */
  readonly wholes: readonly string[];
  /** How many there are in the way in all. */
  readonly total: number;
  /** Everybody who is in the way. */
  readonly owners: readonly string[];
}

/** Whether a script takes what it can, or only looks. */
export type TakeMode = "take" | "look";

/**
 * The lock table in Redis, one script a deed. Each throws LostLocks where the epoch is not the server's, and LostTurn
 * where it relies on a turn that is over; without a turn it relies on none.
 */
export interface RedisLockTable {
  beginTurn(epoch: string, turn: string): Promise<void>;
  /** @param maxListed -1 for all */
  acquireRecords(
    epoch: string,
    owner: string,
    batch: IdBatch,
    mode: TakeMode,
    maxListed: number,
    turn?: string,
  ): Promise<BatchResult>;
  /** `had` holds `"*"` where the owner had the model before; records in the way are counted, not listed. */
  acquireWhole(
    epoch: string,
    owner: string,
    claim: Omit<Claim, "ids">,
    mode: TakeMode,
    turn?: string,
  ): Promise<BatchResult>;
  /** All records that are held of a model. */
  scanRecords(epoch: string, model: string): AsyncIterable<{ id: string; owner: string; scope: string }>;
  releaseRecords(epoch: string, owner: string, batch: IdBatch, turn?: string): Promise<void>;
  /** Puts records that are the owner's under the batch's scope. */
  moveRecords(epoch: string, owner: string, batch: IdBatch, turn?: string): Promise<void>;
  releaseWhole(epoch: string, owner: string, claim: Omit<Claim, "ids">, turn?: string): Promise<void>;
  /** Lets go of all that the owner holds, or of all of one model. */
  releaseAll(epoch: string, owner: string, model?: string, turn?: string): Promise<void>;
  owners(epoch: string, batch: IdBatch): Promise<readonly string[]>;
  heldBy(epoch: string, owner: string): AsyncIterable<Claim>;
  listOwners(epoch: string): Promise<readonly string[]>;
  isCurrent(epoch: string): Promise<boolean>;
  /** Removes what is left of earlier epochs, and of those that were never finished. */
  removeOthers(epoch: string): Promise<void>;
  /** Begins to build an epoch; gives up one that was being built. For who is alone. */
  build(epoch: string): Promise<void>;
  /** Makes the built epoch the current one; false when something of it was lost meanwhile. */
  open(epoch: string): Promise<boolean>;
}

/** Runs a script under an epoch and hands over what it answers after OK. */
type RunLockScript = (
  text: string,
  epoch: string,
  values: readonly (string | number)[],
  turn?: string,
) => Promise<readonly unknown[]>;

/** @param key the epoch's key, which ends in "epoch"; all other keys begin like it */
export function createRedisLockTable(client: ScriptClient, key: string): RedisLockTable {
  const run: RunLockScript = async (text, epoch, values, turn = NO_TURN) => {
    const [status, ...answer] = (await runScript(client, text, key, [epoch, ...values, turn])) as unknown[];
    if (status !== "OK") {
      throw status === "STALE" ? new LostTurn() : new LostLocks(epoch);
    }
    return answer;
  };
  return {
    ...createClaims(run),
    ...createReleases(run),
    ...createLookUps(run),
    async beginTurn(epoch, turn) {
      await run(BEGIN_TURN, epoch, [], turn);
    },
    async removeOthers(epoch) {
      let cursor = "0";
      do {
        [cursor] = (await run(REMOVE_EPOCHS, epoch, [cursor])) as [string];
      } while (cursor !== "0");
    },
    async build(epoch) {
      await runScript(client, BUILD_EPOCH, key, [epoch]);
    },
    async open(epoch) {
      return (await runScript(client, OPEN_EPOCH, key, [epoch])) === 1;
    },
  };
}

function createClaims(run: RunLockScript): Pick<RedisLockTable, "acquireRecords" | "acquireWhole"> {
  return {
    async acquireRecords(epoch, owner, { model, scope, separator, text }, mode, maxListed, turn) {
      const values = [owner, model, scope, separator, text, maxListed, mode];
      const [isBlocked, isNew, had, total, wholes, records, owners, moves = []] = (await run(
        ACQUIRE_RECORDS,
        epoch,
        values,
        turn,
      )) as [number, number, string[], number, string[], string[], string[], string[]?];
      return {
        isBlocked: isBlocked === 1,
        wasEmpty: isNew === 1,
        had: new Set(had),
        moved: inPairs(moves),
        records: inPairs(records),
        wholes,
        total,
        owners,
      };
    },
    async acquireWhole(epoch, owner, { model, scope = "" }, mode, turn) {
      const answer = await run(ACQUIRE_WHOLE, epoch, [owner, model, scope, mode], turn);
      const [isBlocked, isNew, had, wholes, records] = answer as [number, number, number, string[], number];
      return {
        isBlocked: isBlocked === 1,
        wasEmpty: isNew === 1,
        had: new Set(had === 1 ? ["*"] : []),
        moved: [],
        records: [],
        wholes,
        total: Math.min(1, wholes.length) + records,
        owners: wholes,
      };
    },
  };
}

type Releases = Pick<RedisLockTable, "releaseRecords" | "moveRecords" | "releaseWhole" | "releaseAll">;

function createReleases(run: RunLockScript): Releases {
  return {
    async releaseRecords(epoch, owner, { model, separator, text }, turn) {
      await run(RELEASE_RECORDS, epoch, [owner, model, separator, text], turn);
    },
    async moveRecords(epoch, owner, { model, scope, separator, text }, turn) {
      await run(MOVE_RECORDS, epoch, [owner, model, scope, separator, text], turn);
    },
    async releaseWhole(epoch, owner, { model, scope = "" }, turn) {
      await run(RELEASE_WHOLE, epoch, [owner, model, scope], turn);
    },
    async releaseAll(epoch, owner, model = "", turn = NO_TURN) {
      for (let index = 0; index >= 0;) {
        [index] = (await run(RELEASE_NEXT, epoch, [owner, model, index], turn)) as [number];
      }
    },
  };
}

type LookUps = Pick<RedisLockTable, "scanRecords" | "owners" | "heldBy" | "listOwners" | "isCurrent">;

function createLookUps(run: RunLockScript): LookUps {
  return {
    async *scanRecords(epoch, model) {
      let cursor = "0";
      do {
        const [next, flat] = (await run(SCAN_RECORDS, epoch, [model, cursor])) as [string, string[]];
        for (const [id, holder] of inPairs(flat)) {
          yield { id, owner: holder.slice(0, OWNER_LENGTH), scope: holder.slice(OWNER_LENGTH) };
        }
        cursor = next;
      } while (cursor !== "0");
    },
    async owners(epoch, { model, scope, separator, text }) {
      const [owners] = (await run(READ_OWNERS, epoch, [model, scope, separator, text])) as [string[]];
      return owners;
    },
    async *heldBy(epoch, owner) {
      for (let index = 0; ; index += 1) {
        const entry = (await run(READ_OWNED, epoch, [owner, index])) as [
          string?,
          string?,
          (string[] | "all")?,
        ];
        const [model, scope, ids] = entry;
        if (model === undefined || ids === undefined) {
          return;
        }
        yield { model, ids, ...(scope ? { scope } : {}) };
      }
    },
    async listOwners(epoch) {
      const [owners] = (await run(LIST_OWNERS, epoch, [])) as [string[]];
      return owners;
    },
    async isCurrent(epoch) {
      try {
        await run(LIST_OWNERS, epoch, []);
        return true;
      } catch (error) {
        if (error instanceof LostLocks) {
          return false;
        }
        throw error;
      }
    },
  };
}

/** Owners are UUIDs. */
const OWNER_LENGTH = 36;

function inPairs(flat: readonly string[]): readonly (readonly [string, string])[] {
  return Array.from({ length: flat.length / 2 }, (_, at) => [flat[2 * at] ?? "", flat[2 * at + 1] ?? ""]);
}
