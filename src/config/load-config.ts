import { AppError } from "../kernel/app-error.ts";
import { nearestName } from "./nearest-name.ts";
import type { ConfigOf, Variable, Variables } from "./variable.ts";

/** Names that start so are ours: one that no variable has is a mistake. */
const PREFIX = "POWERCRUD_";

/**
 * Makes the config of an environment. A variable that is unset, empty or blank has its fallback.
 * @param env names and raw texts, such as `process.env`; names that are not ours are passed over
 * @param variables the service's and the app's
 * @throws AppError INVALID_CONFIG with one line per problem, all of them at once; `details.problems` lists them
 */
export function loadConfig<Table extends Variables>(
  env: Readonly<Record<string, string | undefined>>,
  variables: Table,
): ConfigOf<Table> {
  const problems = findUnknown(env, variables);
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
  // The loop above went through the very table that the type is made of.
  return Object.freeze(config) as ConfigOf<Table>;
}

function findUnknown(env: Readonly<Record<string, string | undefined>>, variables: Variables): string[] {
  const names = Object.values(variables).map((variable) => variable.name);
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !names.includes(name))
    .toSorted()
    .map((name) => {
      const nearest = nearestName(name, names);
      return `${name} is not a known variable; ${nearest === undefined ? "see docs/configuration.md" : `did you mean ${nearest}?`}`;
    });
}

function describeProblem(variable: Variable<unknown>, text: string): string {
  const given = variable.isSecret === true ? "is set to something else" : `is ${JSON.stringify(text)}`;
  return `${variable.name} must be ${variable.expected}, but ${given}`;
}
