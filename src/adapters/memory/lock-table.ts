/** A lock: on a record, or on the whole model where the id is null. */
export interface HeldLock {
  readonly model: string;
  readonly id: string | null;
}

/** Who holds what. */
export interface LockTable {
  owner(model: string, id: string | null): string | undefined;
  /** The records that are held of a model. */
  idsOf(model: string): Iterable<string>;
  heldBy(owner: string): Iterable<HeldLock>;
  set(model: string, id: string | null, owner: string | undefined): void;
}

/** The table itself. */
export interface CommittedLockTable extends LockTable {
  owners(): Iterable<string>;
}

type IdsByModel = Map<string, Set<string | null>>;

/** An empty table. */
export function createLockTable(): CommittedLockTable {
  const byModel = new Map<string, Map<string | null, string>>();
  const byOwner = new Map<string, IdsByModel>();
  const unset = (model: string, id: string | null, owner: string): void => {
    byModel.get(model)?.delete(id);
    const held = byOwner.get(owner);
    held?.get(model)?.delete(id);
    if (held?.get(model)?.size === 0) {
      held.delete(model);
    }
    if (held?.size === 0) {
      byOwner.delete(owner);
    }
  };
  return {
    owner: (model, id) => byModel.get(model)?.get(id),
    idsOf: (model) => [...(byModel.get(model)?.keys() ?? [])].filter((id) => id !== null),
    heldBy: (owner) =>
      [...(byOwner.get(owner) ?? [])].flatMap(([model, ids]) => [...ids].map((id) => ({ model, id }))),
    owners: () => byOwner.keys(),
    set(model, id, owner) {
      const before = byModel.get(model)?.get(id);
      if (before !== undefined) {
        unset(model, id, before);
      }
      if (owner !== undefined) {
        inner(byModel, model, () => new Map<string | null, string>()).set(id, owner);
        const held: IdsByModel = inner(byOwner, owner, () => new Map());
        inner(held, model, () => new Set<string | null>()).add(id);
      }
    },
  };
}

/** A transaction's own view of a table: its changes on top of what is there now. */
export interface LockTableDraft extends LockTable {
  /** Writes the changes into the table. */
  apply(): void;
}

export function createLockTableDraft(base: LockTable): LockTableDraft {
  const changes = new Map<string, Map<string | null, string | undefined>>();
  const isChanged = (model: string, id: string | null): boolean => changes.get(model)?.has(id) ?? false;
  return {
    owner: (model, id) => (isChanged(model, id) ? changes.get(model)?.get(id) : base.owner(model, id)),
    idsOf(model) {
      const added = [...(changes.get(model) ?? [])]
        .filter(([, owner]) => owner !== undefined)
        .map(([id]) => id);
      return [
        ...[...base.idsOf(model)].filter((id) => !isChanged(model, id)),
        ...added.filter((id) => id !== null),
      ];
    },
    heldBy(owner) {
      const added = [...changes].flatMap(([model, changed]) =>
        [...changed].filter(([, holder]) => holder === owner).map(([id]) => ({ model, id })),
      );
      return [...[...base.heldBy(owner)].filter(({ model, id }) => !isChanged(model, id)), ...added];
    },
    set(model, id, owner) {
      inner(changes, model, () => new Map<string | null, string | undefined>()).set(id, owner);
    },
    apply() {
      changes.forEach((changed, model) => changed.forEach((owner, id) => base.set(model, id, owner)));
    },
  };
}

/** The value under the key, made where there is none. */
function inner<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const value = map.get(key) ?? create();
  map.set(key, value);
  return value;
}
