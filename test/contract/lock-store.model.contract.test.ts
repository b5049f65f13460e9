import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Claim } from "../../src/core/locks/claim.ts";
import type { LockConflict } from "../../src/core/locks/lock-store.ts";
import { createId } from "../../src/kernel/ids.ts";
import type { World } from "./world.ts";
import { describeWorlds } from "./describe-worlds.ts";

/** What an owner does in a transaction of its own. */
type Step =
  | {
      readonly do: "acquire" | "releaseSome";
      readonly owner: number;
      readonly claims: readonly Claim[];
      readonly isKept: boolean;
    }
  | { readonly do: "guard"; readonly claims: readonly Claim[] }
  | { readonly do: "releaseAll"; readonly owner: number; readonly isKept: boolean };

const OWNERS = 3;
const MODELS = ["A", "B"];
const WHOLE = "*";

const ids = fc.uniqueArray(fc.constantFrom("1", "2", "10", "é", "😀", "\ufb01"), {
  minLength: 0,
  maxLength: 4,
});
const claim: fc.Arbitrary<Claim> = fc.record({
  model: fc.constantFrom(...MODELS),
  ids: fc.oneof({ weight: 4, arbitrary: ids }, { weight: 1, arbitrary: fc.constant("all" as const) }),
});
const claims = fc.array(claim, { minLength: 1, maxLength: 3 });
const owner = fc.nat(OWNERS - 1);
const isKept = fc.oneof(
  { weight: 5, arbitrary: fc.constant(true) },
  { weight: 1, arbitrary: fc.constant(false) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("acquire" as const), owner, claims, isKept }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("releaseSome" as const), owner, claims, isKept }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("guard" as const), claims }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("releaseAll" as const), owner, isKept }) },
);

/** The rules in their plainest form: owner by "model id", with the id `*` for the whole model. */
class LockModel {
  private held: ReadonlyMap<string, number> = new Map();

  /** In the way of the claims; `owner` undefined for a guard. */
  conflicts(owner: number | undefined, wanted: readonly Claim[]): ReadonlySet<string> {
    const inTheWay = [...this.held].filter(([, holder]) => holder !== owner).map(([key]) => key);
    return new Set(
      inTheWay.filter((key) => {
        const [model, id = ""] = key.split(" ");
        return wanted.some(
          (one) =>
            one.model === model &&
            one.ids.length > 0 &&
            (one.ids === "all" || id === WHOLE || one.ids.includes(id)),
        );
      }),
    );
  }

  acquire(owner: number, wanted: readonly Claim[]): void {
    const next = new Map(this.held);
    for (const { model } of wanted.filter((one) => one.ids === "all")) {
      this.keysOf(owner, model).forEach((key) => next.delete(key));
      next.set(`${model} ${WHOLE}`, owner);
    }
    for (const { model, ids: wantedIds } of wanted) {
      if (wantedIds !== "all" && !next.has(`${model} ${WHOLE}`)) {
        wantedIds.forEach((id) => next.set(`${model} ${id}`, owner));
      }
    }
    this.held = next;
  }

  release(owner: number, wanted: readonly Claim[]): void {
    const gone = new Set(
      wanted.flatMap(({ model, ids: wantedIds }) =>
        wantedIds === "all" ? this.keysOf(owner, model) : wantedIds.map((id) => `${model} ${id}`),
      ),
    );
    this.held = new Map([...this.held].filter(([key, holder]) => holder !== owner || !gone.has(key)));
  }

  keysOf(owner: number, model: string): readonly string[] {
    return [...this.held]
      .filter(([key, holder]) => holder === owner && key.startsWith(`${model} `))
      .map(([key]) => key);
  }
}

function keyOf({ model, id }: LockConflict): string {
  return `${model} ${id ?? WHOLE}`;
}

class RolledBack extends Error {}

describeWorlds("lock store against its model", (world) => {
  /** Runs one step on the store and on the model, and compares what both say. */
  const take = async (model: LockModel, owners: readonly string[], one: Step): Promise<void> => {
    await world()
      .unitOfWork.run(async (transaction) => {
        if (one.do === "guard" || one.do === "acquire") {
          const asking = one.do === "acquire" ? one.owner : undefined;
          const result =
            asking === undefined
              ? await world().locks.guard(transaction, one.claims)
              : await world().locks.acquire(transaction, owners[asking] ?? "", one.claims);
          const expected = model.conflicts(asking, one.claims);
          expect(new Set(result.isGranted ? [] : result.conflicts.map(keyOf))).toEqual(expected);
          expect(result.isGranted ? 0 : result.totalConflicts).toBe(expected.size);
        } else {
          const some = one.do === "releaseSome" ? one.claims : undefined;
          await world().locks.release(transaction, owners[one.owner] ?? "", some);
        }
        if (one.do !== "guard" && !one.isKept) {
          throw new RolledBack();
        }
      })
      .catch((error: unknown) => {
        if (!(error instanceof RolledBack)) {
          throw error;
        }
      });
    applyTo(model, one);
  };
  const applyTo = (model: LockModel, one: Step): void => {
    if (one.do === "guard" || !one.isKept) {
      return;
    }
    if (one.do === "releaseAll") {
      model.release(
        one.owner,
        MODELS.map((name) => ({ model: name, ids: "all" })),
      );
    } else if (one.do === "releaseSome") {
      model.release(one.owner, one.claims);
    } else if (model.conflicts(one.owner, one.claims).size === 0) {
      model.acquire(one.owner, one.claims);
    }
  };
  const compare = async (model: LockModel, owners: readonly string[]): Promise<void> => {
    for (const [at, id] of owners.entries()) {
      const held = (await world().locks.heldBy(id)).flatMap((one) =>
        one.ids === "all" ? [`${one.model} ${WHOLE}`] : one.ids.map((recordId) => `${one.model} ${recordId}`),
      );
      const expected = MODELS.flatMap((name) => model.keysOf(at, name));
      expect(held.toSorted()).toEqual(expected.toSorted());
    }
  };

  it("agrees after any run of claims, guards and releases, kept or rolled back", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const owners = Array.from({ length: OWNERS }, () => createId(new Date()));
        const model = new LockModel();
        try {
          for (const one of steps) {
            await take(model, owners, one);
            await compare(model, owners);
          }
        } finally {
          for (const id of owners) {
            await world().unitOfWork.run((transaction) => world().locks.release(transaction, id));
          }
        }
      }),
      { numRuns: 60, interruptAfterTimeLimit: 8_000 },
    );
  });

  it("never has two owners of one record, whatever runs at once", async () => {
    const together = fc.array(fc.record({ owner, claims }), { minLength: 2, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(together, async (wanted) => {
        const owners = wanted.map(() => createId(new Date()));
        const results = await Promise.all(
          wanted.map((one, at) =>
            world().unitOfWork.run((transaction) =>
              world().locks.acquire(transaction, owners[at] ?? "", one.claims),
            ),
          ),
        );
        const model = new LockModel();
        for (const [at, one] of wanted.entries()) {
          if (results[at]?.isGranted) {
            expect(model.conflicts(at, one.claims)).toEqual(new Set());
            model.acquire(at, one.claims);
          }
        }
        // Whoever was refused was refused by one that stands.
        for (const [at, one] of wanted.entries()) {
          if (!results[at]?.isGranted) {
            expect(model.conflicts(at, one.claims).size).toBeGreaterThan(0);
          }
        }
        await compare(model, owners);
        await Promise.all(
          owners.map((id) => world().unitOfWork.run((transaction) => world().locks.release(transaction, id))),
        );
      }),
      { numRuns: 60, interruptAfterTimeLimit: 8_000 },
    );
  });
});
