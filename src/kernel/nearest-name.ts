/** The name with the fewest edits from the wrong one; undefined if they are more than a third of its letters. */
export function nearestName(wrong: string, names: readonly string[]): string | undefined {
  const nearest = names
    .map((name) => ({ name, edits: editDistance(wrong, name) }))
    .reduce((best, next) => (next.edits < best.edits ? next : best), { name: "", edits: Infinity });
  return nearest.edits <= Math.ceil(wrong.length / 3) ? nearest.name : undefined;
}

/** Levenshtein's distance, row by row: insertions, deletions and replacements of one letter count one each. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [row, letter] of Array.from(from).entries()) {
    const current = [row + 1];
    for (const [column, other] of Array.from(to).entries()) {
      const replaced = (previous[column] ?? 0) + (letter === other ? 0 : 1);
      current.push(Math.min(replaced, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
