import { useState } from "react";

/** How much room a row takes. */
export type Density = "close" | "roomy";

const DENSITY = "powercrud.density";

/** What this browser keeps for a model: the columns that were chosen last. */
export function keptColumns(model: string): readonly string[] | undefined {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(columnsKey(model)) ?? "null");
    return Array.isArray(kept) ? kept.filter((name) => typeof name === "string") : undefined;
  } catch {
    return undefined;
  }
}

/** @param names undefined for those that the page chooses itself */
export function keepColumns(model: string, names: readonly string[] | undefined): void {
  if (names === undefined) {
    localStorage.removeItem(columnsKey(model));
  } else {
    localStorage.setItem(columnsKey(model), JSON.stringify(names));
  }
}

function columnsKey(model: string): string {
  return `powercrud.columns.${model}`;
}

/** The density of all tables, kept in this browser. */
export function useDensity(): readonly [Density, (density: Density) => void] {
  const [density, setDensity] = useState<Density>(() =>
    localStorage.getItem(DENSITY) === "roomy" ? "roomy" : "close",
  );
  return [
    density,
    (next) => {
      localStorage.setItem(DENSITY, next);
      setDensity(next);
    },
  ];
}
