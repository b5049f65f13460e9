import type { ModelOptions } from "./model-options.ts";

/** Types a model's options where they are written. */
export function defineModel(options: ModelOptions): ModelOptions {
  return options;
}
