import type { RecordRow } from "../models/list-document.ts";
import type { Field, Shape } from "../models/shape.ts";
import type { Typed } from "./record-form.tsx";
import { textOf, valueOf } from "./record-form.tsx";

/** Whose value of a field is kept. */
type Whose = "mine" | "theirs";

/** A field that somebody else changed, or that one changed oneself. */
interface ClashField {
  readonly field: Field;
  readonly before: unknown;
  readonly now: unknown;
  /** What one typed; undefined where that is nothing new. */
  readonly mine: { readonly value: unknown; readonly isLinks: boolean } | undefined;
  /** Whether both changed it, each to another value: then one must choose. */
  readonly isBoth: boolean;
}

/** A record that somebody else changed while one edited it. */
export interface Clash {
  readonly fields: readonly ClashField[];
  /** What one has chosen so far, by field. */
  readonly kept: ReadonlyMap<string, Whose>;
  /** Titles of the fields of which one has yet to choose. */
  readonly toDecide: readonly string[];
  keep(field: string, whose: Whose): void;
}

/**
 * Compares three states of a record.
 * @param states.before as it was when one began to edit it
 * @param states.mine what was typed since then and differs from that
 */
export function clashOf(
  shape: Shape,
  states: {
    readonly before: RecordRow;
    readonly mine: Typed;
    readonly now: RecordRow;
    readonly kept: Clash["kept"];
  },
): Omit<Clash, "keep"> {
  const { before, mine, now, kept } = states;
  const forms = new Map(shape.edition.map((form) => [form.name, form]));
  const fields = shape.fields.flatMap((field): readonly ClashField[] => {
    const { name } = field;
    const form = forms.get(name);
    const text = mine[name];
    const differs = JSON.stringify(before[name]) !== JSON.stringify(now[name]);
    const isMine = form !== undefined && text !== undefined;
    return differs || isMine
      ? [
          {
            field,
            before: before[name],
            now: now[name],
            mine: isMine ? { value: valueOf(form, text), isLinks: form.isLinks } : undefined,
            isBoth: differs && isMine && text !== textOf(form, now),
          },
        ]
      : [];
  });
  const open = fields.filter(({ isBoth, field }) => isBoth && !kept.has(field.name));
  return { fields, kept, toDecide: open.map(({ field }) => field.title) };
}
