import type { Variables } from "./variable.ts";

/** The page `docs/configuration.md`: every variable with its default, what it takes and what it means. */
export function describeVariables(variables: Variables): string {
  const rows = Object.values(variables).map(
    ({ name, fallbackText, expected, meaning }) =>
      `| \`${name}\` | ${fallbackText} | ${expected} | ${meaning} |`,
  );
  return [
    "# Configuration",
    "",
    "<!-- Made by `npx powercrud print-config-docs > docs/configuration.md`; a test keeps it fresh. -->",
    "",
    "Settings come from the environment and are read once, at start. All problems are reported together, and a",
    "variable that starts with `POWERCRUD_` and is not listed here is refused. Empty counts as not set.",
    "",
    "| variable | default | takes | meaning |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}
