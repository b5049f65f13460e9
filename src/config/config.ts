import type { SERVICE_VARIABLES } from "./service-variables.ts";
import type { ConfigOf } from "./variable.ts";

/** All of the service's settings, validated and frozen. Durations are in ms; what each means stands at its variable. */
export type Config = ConfigOf<typeof SERVICE_VARIABLES>;
