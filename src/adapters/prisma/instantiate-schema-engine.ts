import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import * as bindings from "@prisma/schema-engine-wasm/schema_engine_bg";

/** What is used of the global; TypeScript describes it only together with a browser's. */
interface WebAssemblyGlobal {
  readonly WebAssembly: {
    instantiate(
      bytes: Uint8Array,
      imports: Readonly<Record<string, object>>,
    ): Promise<{ readonly instance: { readonly exports: Readonly<Record<string, unknown>> } }>;
  };
}

let instantiation: Promise<typeof bindings.SchemaEngine> | undefined;

/**
 * Prisma's own schema engine, from npm as WebAssembly: nothing is downloaded and no process started.
 * Instantiated once a process, since its bindings keep the instance in a variable of their module.
 */
export function instantiateSchemaEngine(): Promise<typeof bindings.SchemaEngine> {
  instantiation ??= instantiate();
  return instantiation;
}

async function instantiate(): Promise<typeof bindings.SchemaEngine> {
  const bindingsFile = createRequire(import.meta.url).resolve("@prisma/schema-engine-wasm/schema_engine_bg");
  const bytes = await readFile(bindingsFile.replace(/\.js$/, ".wasm"));
  const { WebAssembly } = globalThis as unknown as WebAssemblyGlobal;
  const { instance } = await WebAssembly.instantiate(bytes, { "./schema_engine_bg.js": bindings });
  bindings.__wbg_set_wasm(instance.exports);
  (instance.exports["__wbindgen_start"] as () => void)();
  return bindings.SchemaEngine;
}
