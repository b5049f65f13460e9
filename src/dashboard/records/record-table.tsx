import { Badge, Checkbox, Table, Tooltip, UnstyledButton } from "@mantine/core";
import type { ColumnDef } from "@tanstack/react-table";
import { tableFeatures, useTable } from "@tanstack/react-table";
import type { JSX, KeyboardEvent, ReactNode } from "react";
import { useMemo, useSyncExternalStore } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { HolderRow, RecordRow } from "../models/list-document.ts";
import type { Field, Shape } from "../models/shape.ts";
import { PageLink } from "../parts/link.tsx";
import { TaskLink, taskName } from "../tasks/task-link.tsx";
import { isNumber, ValueText } from "./value-text.tsx";

/** Which records are chosen. */
export interface Choice {
  has(id: string): boolean;
  toggle(ids: readonly string[], isChosen: boolean): void;
}

/** How a list is ordered; `field` undefined for the list's own order. */
export interface Sorting {
  readonly field?: string | undefined;
  readonly isDescending?: boolean | undefined;
}

interface RecordTableProps {
  readonly shape: Shape;
  readonly columns: readonly Field[];
  readonly rows: readonly RecordRow[];
  readonly changes: ReadonlyMap<string, number>;
  readonly choice: Choice;
  readonly sorting: Sorting;
  /** Whether rows have more room. */
  readonly isRoomy: boolean;
  readonly onSort: (sorting: Sorting) => void;
  /** Rows below the records. */
  readonly children?: ReactNode;
}

const features = tableFeatures({});

/** Records as rows: choose, sort, see which are held, and see cells change. */
export function RecordTable(props: RecordTableProps): JSX.Element {
  const { shape, columns, rows, changes, choice } = props;
  const definitions = useMemo(
    () =>
      columns.map((field): ColumnDef<typeof features, RecordRow> => ({
        id: field.name,
        accessorFn: (row) => row[field.name],
      })),
    [columns],
  );
  const data = useMemo(() => [...rows], [rows]);
  const table = useTable({ features, columns: definitions, data, getRowId: (row: RecordRow) => row.id });
  const fields = new Map(columns.map((field) => [field.name, field]));
  return (
    <div className="records" role="region" aria-label={shape.model.title} tabIndex={-1}>
      <Table verticalSpacing={props.isRoomy ? 10 : 4} highlightOnHover>
        <Heads {...props} />
        <Table.Tbody>
          {table.getRowModel().rows.map((row, at) => (
            <Table.Tr
              key={row.id}
              // One stop for all rows: arrows move between them.
              tabIndex={at === 0 ? 0 : -1}
              data-record={row.id}
              onKeyDown={(event) => moveOrChoose(event, row.id, choice)}
              bg={choice.has(row.id) ? "var(--mantine-primary-color-light)" : undefined}
            >
              <Table.Td w={36}>
                <Checkbox
                  size="xs"
                  tabIndex={-1}
                  aria-label={`Choose ${row.id}`}
                  checked={choice.has(row.id)}
                  onChange={(event) => choice.toggle([row.id], event.currentTarget.checked)}
                />
              </Table.Td>
              {row.getAllCells().map((cell) => {
                const field = fields.get(cell.column.id);
                const version = changes.get(`${row.id}.${cell.column.id}`) ?? 0;
                return field === undefined ? null : (
                  <Table.Td
                    // A new key begins the animation anew.
                    key={`${cell.id}.${version}`}
                    className={`${isNumber(field) ? "number-cell" : ""} ${version > 0 ? "changed" : ""}`}
                  >
                    {cell.column.id === columns[0]?.name && shape.model.one !== undefined ? (
                      <PageLink
                        to="/records/$model/$id"
                        params={{ model: shape.model.name, id: row.id }}
                        c="inherit"
                        size="sm"
                        tabIndex={-1}
                      >
                        <ValueText shape={shape} field={field} value={cell.getValue()} />
                      </PageLink>
                    ) : (
                      <ValueText shape={shape} field={field} value={cell.getValue()} />
                    )}
                  </Table.Td>
                );
              })}
              <Table.Td w={90}>
                {row.original.activeTask === null ? null : <Holder holder={row.original.activeTask} />}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
        {props.children}
      </Table>
    </div>
  );
}

function Heads({ columns, rows, choice, sorting, onSort }: RecordTableProps): JSX.Element {
  const ids = rows.map(({ id }) => id);
  const chosen = ids.filter((id) => choice.has(id)).length;
  return (
    <Table.Thead>
      <Table.Tr>
        <Table.Th w={36}>
          <Checkbox
            size="xs"
            aria-label="Choose all on this page"
            checked={chosen > 0 && chosen === ids.length}
            indeterminate={chosen > 0 && chosen < ids.length}
            onChange={(event) => choice.toggle(ids, event.currentTarget.checked)}
          />
        </Table.Th>
        {columns.map((field) => (
          <Table.Th
            key={field.name}
            aria-sort={ariaSort(field, sorting)}
            className={isNumber(field) ? "number-cell" : ""}
          >
            {field.canSort ? (
              <UnstyledButton
                fz="sm"
                fw={600}
                title={field.description}
                onClick={() => onSort(nextSorting(field, sorting))}
              >
                {field.title}
                {sorting.field === field.name ? (sorting.isDescending === true ? " ↓" : " ↑") : ""}
              </UnstyledButton>
            ) : (
              <span title={field.description}>{field.title}</span>
            )}
          </Table.Th>
        ))}
        <Table.Th w={90}>
          <span className="sr-only">Held by</span>
        </Table.Th>
      </Table.Tr>
    </Table.Thead>
  );
}

function ariaSort({ name }: Field, { field, isDescending }: Sorting): "ascending" | "descending" | "none" {
  if (field !== name) {
    return "none";
  }
  return isDescending === true ? "descending" : "ascending";
}

/** Up, then down, then the list's own order. */
function nextSorting({ name }: Field, { field, isDescending }: Sorting): Sorting {
  if (field !== name) {
    return { field: name };
  }
  return isDescending === true ? {} : { field: name, isDescending: true };
}

/** A small lock, with the holder and how far it is on hover. */
function Holder({ holder }: { holder: HolderRow }): JSX.Element {
  const { feed } = useWorkspace();
  const live = useSyncExternalStore(feed.subscribe, () => feed.read(holder.id));
  const percent = live?.progress.percent;
  const done = percent === null || percent === undefined ? "" : `, ${Math.round(percent)}% done`;
  return (
    <Tooltip label={`Held by: ${taskName(holder)}${done}`}>
      <span>
        <TaskLink task={holder} tabIndex={-1}>
          <Badge size="sm" variant="light" color="yellow" tt="none">
            in use
          </Badge>
        </TaskLink>
      </span>
    </Tooltip>
  );
}

/** Arrows move between rows, space chooses, Enter opens. */
function moveOrChoose(event: KeyboardEvent<HTMLElement>, id: string, choice: Choice): void {
  const row = event.currentTarget;
  if (event.target !== row) {
    return;
  }
  const next =
    event.key === "ArrowDown"
      ? row.nextElementSibling
      : event.key === "ArrowUp"
        ? row.previousElementSibling
        : null;
  if (next instanceof HTMLElement) {
    event.preventDefault();
    next.focus();
  } else if (event.key === " ") {
    event.preventDefault();
    choice.toggle([id], !choice.has(id));
  } else if (event.key === "Enter") {
    row.querySelector("a")?.click();
  }
}
