/** Yoga's cache of parsed documents. */
export interface DocumentCache<T> {
  get(text: string): T | undefined;
  set(text: string, value: T): void;
}

/** Longer texts are not kept: a mutation with 100,000 inline ids is sent once, and its tree is huge. */
const MAX_TEXT_LENGTH = 8000;

/** @param maxEntries the most entries; the least recently used one is dropped first */
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
