import type { Aggregate } from "../records/aggregates.ts";
import { aggregatesOf } from "../records/aggregates.ts";
import type { Field, Model } from "../records/model.ts";

const OPERATIONS = ["min", "max", "sum"] as const;

/** The figures that a preview has of a field of numbers: min, max, sum. Null for other fields. */
export function figuresOf(model: Model, { name }: Pick<Field, "name">): readonly Aggregate[] | null {
  const own = aggregatesOf(model).filter(({ column }) => column?.name === name);
  const figures = OPERATIONS.flatMap((operation) => own.find((each) => each.operation === operation) ?? []);
  return figures.length === OPERATIONS.length ? figures : null;
}
