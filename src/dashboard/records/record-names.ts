import { useWorkspace } from "../frame/workspace.tsx";
import type { FoundRecord } from "../models/find-document.ts";
import { findDocument } from "../models/find-document.ts";
import type { Reference } from "../models/shape.ts";
import { useAnswer } from "../parts/use-answer.ts";

/** Values that name records of one model. */
interface NamedValues {
  readonly reference: Reference;
  readonly values: readonly string[];
}

/** What records are called, by what names them; the value itself until that is known, and where the caller does not see the record. */
type NameOf = (reference: Reference, value: string) => string;

/** Asks once for what all the records are called. */
export function useRecordNames(wanted: readonly NamedValues[]): NameOf {
  const { connection, models, schema } = useWorkspace();
  const asked = wanted.flatMap(({ reference, values }) => {
    const model = models.find(({ name }) => name === reference.model);
    const each = [...new Set(values)].toSorted();
    return model === undefined || each.length === 0 ? [] : [{ reference, model, values: each }];
  });
  const key = JSON.stringify(asked.map(({ reference, values }) => [reference, values]));
  const { data } = useAnswer(key, async () => {
    const names = asked.map(async ({ reference, model, values }) => {
      const shape = await schema.shapeOf(model);
      const { document, variables, optionOf } = findDocument(shape, reference, { values, most: 0 });
      const { named } = await connection.request<Named, object>(document, variables);
      return (named?.nodes ?? []).map((record) => {
        const { value, label } = optionOf(record);
        return [keyOf(reference, value), label] as const;
      });
    });
    return new Map((await Promise.all(names)).flat());
  });
  return (reference, value) => data?.get(keyOf(reference, value)) ?? value;
}

function keyOf({ model, field = "" }: Reference, value: string): string {
  return `${model} ${field} ${value}`;
}

interface Named {
  readonly named?: { readonly nodes: readonly FoundRecord[] };
}
