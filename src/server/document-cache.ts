/** What yoga keeps parsed documents and syntax errors in. */
export interface DocumentCache<T> {
  get(text: string): T | undefined;
  set(text: string, value: T): void;
}

/** Longer texts are not kept: a mutation with 100,000 ids written out is sent once, and its tree is huge. */
const MAX_TEXT_LENGTH = 8000;

/** @param maxEntries how many to keep; the least recently used goes first */
export function createDocumentCache<T>(maxEntries = 500): DocumentCache<T> {
  const entries = new Map<string, T>();
  const keep = (text: string, value: T): void => {
    entries.delete(text);
    entries.set(text, value);
    if (entries.size > maxEntries) {
      const [oldest] = entries.keys();
      entries.delete(oldest ?? "");
    }
  };
  return {
    get(text) {
      const value = entries.get(text);
      if (value !== undefined) {
        keep(text, value);
      }
      return value;
    },
    set(text, value) {
      if (text.length <= MAX_TEXT_LENGTH) {
        keep(text, value);
      }
    },
  };
}
