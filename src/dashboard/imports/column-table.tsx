import { Select, Table, Text } from "@mantine/core";
import type { JSX } from "react";
import type { ColumnUses } from "./import-form.ts";
import type { FailedRow } from "./launch-import.ts";
import type { Sample } from "./read-sample.ts";

/** Rows that are shown though nothing is wrong with them. */
const GOOD_ROWS = 8;
/** Rows that are shown since something is. */
const BAD_ROWS = 20;
/** No path has a blank. */
const LEAVE_OUT = "leave out";

/** The file's columns, what each is written to, and its first rows with what is wrong with them. */
export function ColumnTable(props: {
  sample: Sample;
  uses: ColumnUses | undefined;
  faults: readonly FailedRow[];
  mapping: Readonly<Record<string, string>>;
  onMap: (header: string, path: string | undefined) => void;
}): JSX.Element {
  const { sample, uses, faults, mapping, onMap } = props;
  const byLine = new Map(faults.map((fault) => [fault.line, fault]));
  const good = sample.rows.filter(({ line }) => !byLine.has(line)).slice(0, GOOD_ROWS);
  const bad = sample.rows.filter(({ line }) => byLine.has(line)).slice(0, BAD_ROWS);
  const rows = [...bad, ...good].toSorted((one, other) => one.line - other.line);
  return (
    <div className="records sample" role="region" aria-label="The first rows of the file" tabIndex={0}>
      <Table verticalSpacing={4}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={50}>Line</Table.Th>
            {sample.headers.map((header, at) => (
              // Headers may be the same twice.
              <Table.Th key={`${header} ${at}`}>
                <Text size="sm" fw={600} truncate>
                  {header === "" ? "–" : header}
                </Text>
                <ColumnTarget
                  header={header}
                  column={uses?.columns[at]}
                  paths={uses?.paths ?? []}
                  given={mapping[header]}
                  onMap={(path) => onMap(header, path)}
                />
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(({ line, cells }) => (
            <SampleRows
              key={line}
              line={line}
              cells={cells}
              width={sample.headers.length}
              fault={byLine.get(line)}
            />
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

/** What the column is written to. */
function ColumnTarget(props: {
  header: string;
  column: ColumnUses["columns"][number] | undefined;
  paths: readonly string[];
  given: string | undefined;
  onMap: (path: string | undefined) => void;
}): JSX.Element {
  const { header, column, paths, given, onMap } = props;
  const path = targetOf(column, given);
  const all = path === null || path === LEAVE_OUT ? paths : [...new Set([...paths, path])];
  return (
    <>
      <Select
        size="xs"
        miw={150}
        searchable
        allowDeselect={false}
        aria-label={`${header} is written to`}
        placeholder="Choose a field"
        error={column?.use === "UNKNOWN"}
        data={[{ value: LEAVE_OUT, label: "Leave out" }, ...all.map((value) => ({ value, label: value }))]}
        value={path}
        onChange={(next) => onMap(next === LEAVE_OUT ? "" : (next ?? undefined))}
      />
      {column?.use === "READ_ONLY" ? (
        <Text size="xs" fw={400} c="dimmed">
          Read-only: not imported
        </Text>
      ) : null}
    </>
  );
}

function targetOf(
  column: ColumnUses["columns"][number] | undefined,
  given: string | undefined,
): string | null {
  if (given !== undefined) {
    return given === "" ? LEAVE_OUT : given;
  }
  return column?.use === "LEFT_OUT" ? LEAVE_OUT : (column?.path ?? null);
}

function SampleRows(props: {
  line: number;
  cells: readonly string[];
  width: number;
  fault: FailedRow | undefined;
}): JSX.Element {
  const { line, cells, width, fault } = props;
  return (
    <>
      <Table.Tr className={fault === undefined ? "" : "bad-row"} data-line={line}>
        <Table.Td c="dimmed">{line}</Table.Td>
        {cells.map((cell, at) => (
          // A row's cells have no other name than their place.
          <Table.Td key={at}>{cell}</Table.Td>
        ))}
      </Table.Tr>
      {fault === undefined ? null : (
        <Table.Tr className="bad-row">
          <Table.Td />
          <Table.Td colSpan={Math.max(1, width)} className="reason">
            <span>{fault.reason}</span>
          </Table.Td>
        </Table.Tr>
      )}
    </>
  );
}
