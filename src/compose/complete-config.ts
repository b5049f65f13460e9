import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load-config.ts";
import { SERVICE_VARIABLES } from "../config/service-variables.ts";

/** The defaults, with what an embedding program says instead. */
export function completeConfig(overrides: Partial<Config> = {}): Config {
  return { ...loadConfig({}, SERVICE_VARIABLES), ...overrides };
}
