/** Ids in the order of their bytes in UTF-8 (PostgreSQL's C collation), without repeats: the order of every claim. */
export function sortIds(ids: readonly string[]): readonly string[] {
  // Code units sort the same unless there are surrogates, which UTF-8 puts after U+E000 to U+FFFF.
  const sorted = ids.some((id) => /[\ud800-\udfff]/.test(id)) ? sortByBytes(ids) : ids.toSorted();
  return sorted.filter((id, at) => id !== sorted[at - 1]);
}

function sortByBytes(ids: readonly string[]): readonly string[] {
  const encoder = new TextEncoder();
  return ids
    .map((id) => ({ id, bytes: encoder.encode(id) }))
    .toSorted((a, b) => compareBytes(a.bytes, b.bytes))
    .map(({ id }) => id);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const end = Math.min(a.length, b.length);
  for (let at = 0; at < end; at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) {
      return difference;
    }
  }
  return a.length - b.length;
}
