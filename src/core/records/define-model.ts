import type { ModelOptions } from "./model-options.ts";
import type { AppRecord } from "./write-hooks.ts";

/**
 * Types a model's options where they are written: `defineModel<City, Prisma.TransactionClient>({ … })`.
 * @typeParam Row the model's records, as Prisma types them
 * @typeParam Client Prisma's client inside a transaction
 */
export function defineModel<Row extends object = AppRecord, Client = unknown>(
  options: ModelOptions<Row, Client>,
): ModelOptions {
  return options as unknown as ModelOptions;
}
