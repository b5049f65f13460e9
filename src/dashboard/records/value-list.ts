/** The items of a list that a control keeps as text. */
export function readList(text: string): readonly string[] {
  if (text === "") {
    return [];
  }
  const items: unknown = JSON.parse(text);
  return Array.isArray(items)
    ? items.map((item) => (typeof item === "string" ? item : JSON.stringify(item)))
    : [];
}

/** Items as a control keeps them: no text can be mistaken for two. */
export function writeList(items: readonly string[]): string {
  return items.length === 0 ? "" : JSON.stringify(items);
}
