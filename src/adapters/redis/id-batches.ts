import type { Claim } from "../../core/locks/claim.ts";

/** As many ids as one script takes: it keeps the server busy for some milliseconds. */
const BATCH_SIZE = 10_000;

/** Ids of one model as scripts take them: one text, which travels and parses faster than one argument each. */
export interface IdBatch {
  readonly model: string;
  /** Empty for none. */
  readonly scope: string;
  readonly ids: readonly string[];
  readonly text: string;
  /** One character that none of the ids contains. */
  readonly separator: string;
}

/** Cuts a claim on records into batches, in the order given. A claim on a whole model has none. */
export function toBatches({ model, scope = "", ids }: Claim): readonly IdBatch[] {
  if (ids === "all") {
    return [];
  }
  return Array.from({ length: Math.ceil(ids.length / BATCH_SIZE) }, (_, at) => {
    const part = ids.slice(at * BATCH_SIZE, (at + 1) * BATCH_SIZE);
    const separator = findSeparator(part);
    return { model, scope, ids: part, separator, text: part.join(separator) };
  });
}

/** Next to always U+0001. U+0000 is what the scripts put between their own fields. */
function findSeparator(ids: readonly string[]): string {
  for (let code = 1; code < 0xd800; code += 1) {
    const candidate = String.fromCharCode(code);
    if (!ids.some((id) => id.includes(candidate))) {
      return candidate;
    }
  }
  throw new RangeError("the ids use every character there is");
}
