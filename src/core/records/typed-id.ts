import type { Parsed } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import type { Model, ModelRegistry } from "./model.ts";
import { hasIds } from "./model.ts";
import { describeKey, parseRecordId } from "./record-key.ts";
import { isKeyText } from "./record-name.ts";

/** A record, by its model and its plain id. */
export interface TypedId {
  readonly model: Model;
  readonly id: string;
}

/** The id with its model's name in the API in front, unlike the id of any other record: `City:2988507`. */
function formatTypedId({ model, id }: TypedId): string {
  return `${model.apiName}:${id}`;
}

/** The plain id, in its canonical form. The problem of any other text says what is expected; its field is `id`. */
export function parseTypedId(model: Model, text: string): Parsed<string> {
  const prefix = `${model.apiName}:`;
  const parsed = text.startsWith(prefix) ? parseRecordId(model, text.slice(prefix.length)) : undefined;
  if (parsed !== undefined && "value" in parsed) {
    return parsed;
  }
  const expected = `"${prefix}", then ${describeKey(model)}`;
  return {
    problems: [problem(`"${shorten(text)}" is not an id of ${model.apiName}: expected ${expected}.`, "id")],
  };
}

/** The same for an id of any model. */
export function parseAnyTypedId(models: ModelRegistry, text: string): Parsed<TypedId> {
  const [name] = text.split(":", 1);
  const named = models.all().filter(hasIds);
  const model = named.find(({ apiName }) => apiName === name && text.length > apiName.length);
  if (model === undefined) {
    const [example] = named;
    const shown =
      example === undefined ? "" : `, such as "${example.apiName}:", then ${describeKey(example)}`;
    return {
      problems: [
        problem(`"${shorten(text)}" is not an id: expected that of a task or of a record${shown}.`, "id"),
      ],
    };
  }
  const parsed = parseTypedId(model, text);
  return "value" in parsed ? { value: { model, id: parsed.value } } : parsed;
}

/** How the API writes the id of a record. A model that is not exposed any more, or none, leaves it plain. */
export type WriteId = (model: string | null | undefined, id: string) => string;

export const writePlainId: WriteId = (_model, id) => id;

/** Writes typed ids. What names a record that had no id yet stays as it is. */
export function createTypedIdWriter(models: ModelRegistry): WriteId {
  const byName = new Map(models.all().map((model) => [model.name, model]));
  return (name, id) => {
    const model = byName.get(name ?? "");
    return model === undefined || isKeyText(model, id) ? id : formatTypedId({ model, id });
  };
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
