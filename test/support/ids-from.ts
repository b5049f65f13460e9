/** Consecutive ids. */
export function idsFrom(first: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => String(first + at));
}
