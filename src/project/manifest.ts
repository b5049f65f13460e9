import { lineEndOf } from "./schema-blocks.ts";

/** The members of a `package.json` that matter here. */
export interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  /** Where Prisma 6 looked for the schema. */
  readonly prisma?: { readonly schema?: string };
}

/** Members to add or replace. */
export type ManifestEdit = Readonly<
  Partial<Record<"scripts" | "dependencies" | "devDependencies", Readonly<Record<string, string>>>>
>;

/**
 * Changes the text of a `package.json` as npm does: with its indent and its line ends, and with the packages of a list that
 * gets a new one in alphabetical order.
 */
export function editManifest(text: string, edit: ManifestEdit): string {
  const manifest = JSON.parse(text) as Record<string, object | undefined>;
  for (const [list, members] of Object.entries(edit)) {
    if (Object.keys(members).length > 0) {
      const merged = Object.entries({ ...manifest[list], ...members });
      const isOrdered = list !== "scripts";
      manifest[list] = Object.fromEntries(
        isOrdered ? merged.toSorted(([a], [b]) => (a < b ? -1 : 1)) : merged,
      );
    }
  }
  const indent = /^\s*\{\r?\n([ \t]+)/.exec(text)?.[1] ?? "  ";
  const end = /\s*$/.exec(text)?.[0] ?? "";
  return JSON.stringify(manifest, null, indent).replaceAll("\n", lineEndOf(text)) + end;
}
