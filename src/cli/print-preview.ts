import type { PowerCrud } from "../compose/create-powercrud.ts";
import type { CliContext } from "./cli-context.ts";

type Preview = NonNullable<Awaited<ReturnType<PowerCrud["tasks"]["preview"]>>>;
type Figures = Preview["fields"][number]["before"];
type Values = Preview["records"][number]["before"];

/** The most characters of a cell. */
const MAX_CELL = 40;

/** Prints what a dry run would have changed: a table of its fields, and one of some of its records. */
export function printPreview(context: Pick<CliContext, "print">, preview: Preview | undefined): void {
  if (preview === undefined) {
    context.print("It has no preview.");
    return;
  }
  const { fields, records } = preview;
  if (fields.length > 0) {
    const rows = fields.map(({ field, changed, values, valueCount, before, after }) => {
      const more = valueCount > values.length ? [`and ${valueCount - values.length} other values`] : [];
      const listed = values.map(({ value, count }) => `${cellOf(value)} (${count})`);
      return [field, String(changed), figuresOf(before), figuresOf(after), [...listed, ...more].join(", ")];
    });
    printTable(context, ["field", "changed", "before", "after", "to"], rows);
  }
  if (records.length > 0) {
    const names = [...new Set(records.flatMap(({ before, after }) => Object.keys({ ...before, ...after })))];
    const rows = records.map(({ recordId, before, after, error }) => [
      recordId,
      ...names.map((name) => changeOf(name, before, after, error !== undefined)),
      error?.message ?? "",
    ]);
    printTable(context, ["record", ...names, "error"], rows);
  }
}

/** `1 → 2`; one value where nothing changes. */
function changeOf(name: string, before: Values, after: Values, hasFailed: boolean): string {
  const [was, is] = [before, after].map((values) =>
    values === null || !Object.hasOwn(values, name) ? "" : cellOf(values[name]),
  );
  return was === is || hasFailed ? (was ?? "") : `${was} → ${is}`.trim();
}

function cellOf(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > MAX_CELL ? `${line.slice(0, MAX_CELL - 1)}…` : line;
}

function figuresOf(figures: Figures): string {
  return figures === null || figures.min === null
    ? ""
    : `${cellOf(figures.min)} to ${cellOf(figures.max)}, sum ${cellOf(figures.sum)}`;
}

function printTable(
  context: Pick<CliContext, "print">,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const used = head.map((_title, at) => at === 0 || rows.some((row) => row[at] !== ""));
  const table = [head, ...rows].map((row) => row.filter((_cell, at) => used[at]));
  const widths = (table[0] ?? []).map((_title, at) => Math.max(...table.map((row) => row[at]?.length ?? 0)));
  context.print("");
  for (const row of table) {
    context.print(
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  }
}
