import { AppError } from "../../kernel/app-error.ts";
import type { EnumType, Model, ModelRegistry } from "./model.ts";

/** @throws AppError INVALID_CONFIG when two models share a name or a plural */
export function createModelRegistry(models: readonly Model[], enums: readonly EnumType[]): ModelRegistry {
  const byName = new Map<string, Model>();
  const plurals = new Map<string, string>();
  for (const model of models) {
    const rival = plurals.get(model.plural);
    if (rival !== undefined) {
      throw new AppError(
        "INVALID_CONFIG",
        `Models ${rival} and ${model.name} share the plural "${model.plural}"; set another one in one model's options.`,
      );
    }
    byName.set(model.name, model);
    plurals.set(model.plural, model.name);
  }
  return {
    get(name) {
      const model = byName.get(name);
      if (model === undefined) {
        throw new AppError(
          "UNKNOWN_MODEL",
          `There is no model "${name}". Known: ${[...byName.keys()].join(", ")}.`,
        );
      }
      return model;
    },
    all: () => models,
    enums: () => enums,
  };
}
