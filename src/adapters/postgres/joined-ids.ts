/** Groups of ids on their way to PostgreSQL: each group one text, its ids joined by the separator. */
export interface JoinedIds {
  readonly texts: readonly string[];
  /** One character that no id contains. */
  readonly separator: string;
}

/**
 * Joins the ids of each group for `powercrud.split_ids(text, separator)`. That is several times faster than an
 * array parameter, for the driver as for the server. Groups have at least one id each.
 */
export function joinIds(groups: readonly (readonly string[])[]): JoinedIds {
  const separator = findSeparator(groups);
  return { texts: groups.map((ids) => ids.join(separator)), separator };
}

/** The first character that no id contains: next to always U+0001. NUL cannot be in a text of PostgreSQL. */
function findSeparator(groups: readonly (readonly string[])[]): string {
  for (let code = 1; code < 0xd800; code += 1) {
    const candidate = String.fromCharCode(code);
    if (!groups.some((ids) => ids.some((id) => id.includes(candidate)))) {
      return candidate;
    }
  }
  throw new RangeError("the ids use every character there is");
}
