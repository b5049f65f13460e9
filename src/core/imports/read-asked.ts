import type { Json } from "../../kernel/json.ts";
import type { SpellingOptions } from "../files/spelling.ts";
import { spellingOf } from "../files/spelling.ts";
import type { Model, ModelRegistry } from "../records/model.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import { jsonReader } from "./cell-texts.ts";
import type { LookedUp } from "./import-columns.ts";
import type { ImportForm } from "./import-form.ts";
import type { Asked, RowCells } from "./import-page.ts";

/** Reads what a row asks for of another model's records. */
export type AskedReader = (cells: RowCells, note: (problem: RecordProblem) => void) => Asked;

export function createAskedReader(
  models: ModelRegistry,
  model: Model,
  form: ImportForm,
  { parts, isLinks }: LookedUp,
  options: SpellingOptions,
): AskedReader {
  const spelt = parts.map(({ at, column }) => {
    const { header } = column;
    return {
      at,
      header,
      read: jsonReader(model, { form, header, spelling: spellingOf(models.enums(), column, options) }),
    };
  });
  return (cells, note) => {
    if (spelt.every(({ at }) => cells[at] === undefined)) {
      return undefined;
    }
    const values = spelt.map(({ at, read }) => {
      const value = read(cells[at] ?? null);
      if ("json" in value) {
        return value.json;
      }
      note(value.problem);
      return undefined;
    });
    if (isLinks) {
      const [list] = values;
      return ((list ?? []) as readonly Json[]).map((value) => [textOf(value)]);
    }
    const texts = values.map((value) => (value === undefined || value === null ? undefined : textOf(value)));
    if (texts.every((text) => text === undefined)) {
      return null;
    }
    const missing = texts.indexOf(undefined);
    const header = spelt[missing]?.header;
    if (header !== undefined && values[missing] === null) {
      note(problem(`${model.apiName}.${header}: give all parts of the key, or leave all empty.`, header));
    }
    return missing === -1 ? [texts as readonly string[]] : null;
  };
}

/** A value as a text that the database reads. */
export function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
