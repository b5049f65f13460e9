/** A lock on a record or a whole model, or a place in line for one. */
export interface LockRow {
  readonly owner: string;
  readonly model: string;
  /** Null for the whole model. */
  readonly id: string | null;
  /** Empty for none. */
  readonly scope: string;
  /** Of who stands in line: behind everybody with a smaller one. Undefined where the lock is held. */
  readonly ticket: number | undefined;
}

/** Who holds what, and who stands in line for it. A row is itself, however many look like it. */
export interface LockTable {
  /** All of a record, or of the whole model where the id is null. */
  rowsOf(model: string, id: string | null): readonly LockRow[];
  /** All of the model's records. */
  recordRowsOf(model: string): readonly LockRow[];
  rowsOfOwner(owner: string): readonly LockRow[];
  add(row: LockRow): void;
  /** Does nothing where the row is gone already. */
  remove(row: LockRow): void;
}

/** The table itself. */
export interface CommittedLockTable extends LockTable {
  /** Of all rows, held or not. */
  owners(): readonly string[];
}

/** An empty table. */
export function createLockTable(): CommittedLockTable {
  const byModel = new Map<string, Map<string | null, Set<LockRow>>>();
  const byOwner = new Map<string, Set<LockRow>>();
  return {
    rowsOf: (model, id) => [...(byModel.get(model)?.get(id) ?? [])],
    recordRowsOf: (model) =>
      [...(byModel.get(model) ?? [])].flatMap(([id, rows]) => (id === null ? [] : [...rows])),
    rowsOfOwner: (owner) => [...(byOwner.get(owner) ?? [])],
    owners: () => [...byOwner.keys()],
    add(row) {
      inner(
        inner(byModel, row.model, () => new Map<string | null, Set<LockRow>>()),
        row.id,
        () => new Set<LockRow>(),
      ).add(row);
      inner(byOwner, row.owner, () => new Set<LockRow>()).add(row);
    },
    remove(row) {
      const ofModel = byModel.get(row.model);
      drop(ofModel, row.id, row);
      if (ofModel?.size === 0) {
        byModel.delete(row.model);
      }
      drop(byOwner, row.owner, row);
    },
  };
}

/** A transaction's own view of a table: its changes on top of what is there now. */
export interface LockTableDraft extends LockTable {
  /** Writes the changes into the table. */
  apply(): void;
}

export function createLockTableDraft(base: LockTable): LockTableDraft {
  const added = createLockTable();
  const allAdded = new Set<LockRow>();
  const removed = new Set<LockRow>();
  const kept = (rows: readonly LockRow[]): readonly LockRow[] => rows.filter((row) => !removed.has(row));
  return {
    rowsOf: (model, id) => [...kept(base.rowsOf(model, id)), ...added.rowsOf(model, id)],
    recordRowsOf: (model) => [...kept(base.recordRowsOf(model)), ...added.recordRowsOf(model)],
    rowsOfOwner: (owner) => [...kept(base.rowsOfOwner(owner)), ...added.rowsOfOwner(owner)],
    add(row) {
      added.add(row);
      allAdded.add(row);
    },
    remove(row) {
      if (allAdded.delete(row)) {
        added.remove(row);
      } else {
        removed.add(row);
      }
    },
    apply() {
      removed.forEach((row) => base.remove(row));
      allAdded.forEach((row) => base.add(row));
    },
  };
}

/** The value under the key, made where there is none. */
function inner<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const value = map.get(key) ?? create();
  map.set(key, value);
  return value;
}

/** Without a trace of the row: a set that becomes empty goes as well. */
function drop<K>(map: Map<K, Set<LockRow>> | undefined, key: K, row: LockRow): void {
  const rows = map?.get(key);
  rows?.delete(row);
  if (rows?.size === 0) {
    map?.delete(key);
  }
}
