import { SERVICE_VARIABLES } from "./service-variables.ts";
import type { ConfigOf, Variable, Variables } from "./variable.ts";
import { AppError } from "../kernel/app-error.ts";
import { nearestName } from "../kernel/nearest-name.ts";
import type { Shape } from "../kernel/shape.ts";
import { findFaults } from "../kernel/shape.ts";

/** All settings of the service, validated and frozen. Durations are in ms; SERVICE_VARIABLES documents each. */
export type Config = ConfigOf<typeof SERVICE_VARIABLES>;

/** Unknown variables with this prefix are refused as misspelled. */
const PREFIX = "POWERCRUD_";

/**
 * Reads the config from an environment. A variable that is unset, empty or blank gets its fallback.
 * @param env names and raw texts, such as `process.env`; unknown names without our prefix are ignored
 * @param variables the service's and the app's
 * @throws AppError INVALID_CONFIG with one line per problem, for all problems; `details.problems` lists them
 */
export function loadConfig<Table extends Variables>(
  env: Readonly<Record<string, string | undefined>>,
  variables: Table,
): ConfigOf<Table> {
  const problems = describeUnknown(env, variables);
  const config: Record<string, unknown> = {};
  for (const [property, variable] of Object.entries(variables)) {
    const text = env[variable.name]?.trim() ?? "";
    const value = text === "" ? variable.fallback : variable.parse(text);
    if (text !== "" && value === undefined) {
      problems.push(describeProblem(variable, text));
    }
    config[property] = value;
  }
  if (problems.length > 0) {
    throw new AppError("INVALID_CONFIG", problems.join("\n"), { details: { problems } });
  }
  // The loop above filled in every member of the table.
  return Object.freeze(config) as ConfigOf<Table>;
}

/** The names in the environment that have our prefix but are no known variables. */
export function findUnknownNames(
  env: Readonly<Record<string, string | undefined>>,
  variables: Variables,
): string[] {
  const known = new Set(Object.values(variables).map((variable) => variable.name));
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !known.has(name))
    .toSorted();
}

function describeUnknown(env: Readonly<Record<string, string | undefined>>, variables: Variables): string[] {
  const names = Object.values(variables).map((variable) => variable.name);
  return findUnknownNames(env, variables).map((name) => {
    const nearest = nearestName(name, names);
    return `${name} is not a known variable; ${nearest === undefined ? "see docs/configuration.md" : `did you mean ${nearest}?`}`;
  });
}

function describeProblem(variable: Variable<unknown>, text: string): string {
  const given = variable.isSecret === true ? "is set to something else" : `is ${JSON.stringify(text)}`;
  return `${variable.name} must be ${variable.expected}, but ${given}`;
}

/**
 * The defaults with the overrides of an embedding program.
 * @throws AppError INVALID_CONFIG for unknown names and for values of another type than the default's
 */
export function completeConfig(overrides: Partial<Config> = {}): Config {
  const problems = findFaults(overrides, SETTINGS_SHAPE, "settings");
  if (problems.length > 0) {
    throw new AppError("INVALID_CONFIG", problems.join("\n"), { details: { problems } });
  }
  return { ...loadConfig({}, SERVICE_VARIABLES), ...overrides };
}

const SETTINGS_SHAPE: Shape = {
  kind: "MEMBERS",
  members: Object.fromEntries(
    Object.entries(SERVICE_VARIABLES).map(([name, { fallback }]) => [name, shapeOf(fallback)]),
  ),
};

function shapeOf(fallback: unknown): Shape {
  if (typeof fallback === "boolean") {
    return { kind: "FLAG" };
  }
  if (Array.isArray(fallback)) {
    return { kind: "LIST", of: { kind: "TEXT" } };
  }
  return typeof fallback === "number" ? { kind: "WHOLE_NUMBER", min: 0 } : { kind: "TEXT" };
}
