import { AppError } from "../kernel/app-error.ts";
import type { MembersShape } from "../kernel/shape.ts";
import { findFaults } from "../kernel/shape.ts";
import type { SchemaDescription } from "../adapters/prisma/schema-description.ts";
import type { PowerCrudConfig } from "./define-config.ts";
import { configShape } from "./define-config.ts";

/**
 * Checks what TypeScript could not: unknown members, and values of a wrong type, anywhere in a config.
 * @param place what each line begins with, such as the file's name; default: nothing
 * @throws AppError INVALID_CONFIG with one line per fault, for all faults; `details.problems` lists them
 */
export function checkConfig(config: unknown, place = ""): asserts config is PowerCrudConfig {
  refuseAny(findConfigFaults(config).map((fault) => (place === "" ? fault : `${place}: ${fault}`)));
}

/**
 * Checks the options of a call, and the config among them, like {@link checkConfig}.
 * @param shape that of the options, which need not look into `config`
 */
export function checkOptions(options: { readonly config: unknown }, shape: MembersShape): void {
  const { config } = options;
  refuseAny([...findFaults(options, shape, ""), ...(config === undefined ? [] : findConfigFaults(config))]);
}

function refuseAny(problems: readonly string[]): void {
  if (problems.length > 0) {
    throw new AppError("INVALID_CONFIG", problems.join("\n"), { details: { problems } });
  }
}

function findConfigFaults(config: unknown): readonly string[] {
  if (typeof config !== "object" || config === null) {
    return [
      `the config must be what defineConfig returns, but is ${config === null ? "null" : typeof config}`,
    ];
  }
  const schema = readSchema((config as { readonly generated?: unknown }).generated);
  return [
    ...(schema === undefined
      ? ['generated must be imported from the module that `prisma generate` writes (generator "powercrud")']
      : []),
    ...findFaults(config, configShape(schema), ""),
  ];
}

/** The schema of a generated module; undefined for something else. */
function readSchema(generated: unknown): SchemaDescription | undefined {
  const { schema, createClient } = (generated ?? {}) as { readonly schema?: unknown; createClient?: unknown };
  const { models } = (schema ?? {}) as { readonly models?: unknown };
  const isGenerated = typeof createClient === "function" && typeof models === "object" && models !== null;
  return isGenerated ? (schema as SchemaDescription) : undefined;
}
