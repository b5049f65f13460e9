import { Button, Group, Menu, Stack, Text, TextInput, Title } from "@mantine/core";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import type { JSX, ReactNode } from "react";
import { useMemo, useState } from "react";
import { FileButtons } from "../exports/file-buttons.tsx";
import { ImportDrop } from "../imports/file-drop.tsx";
import type { ListVariables } from "../models/list-document.ts";
import { windowVariables } from "../models/list-document.ts";
import type { Field, Shape } from "../models/shape.ts";
import { Answered } from "../parts/answered.tsx";
import { Empty, Failure } from "../parts/notice.tsx";
import { Pager } from "../parts/pager.tsx";
import { count, countOf } from "../tasks/task-words.ts";
import { BulkDrawer } from "./bulk-drawer.tsx";
import type { Condition } from "./filter-bar.tsx";
import { FilterBar, whereOf } from "./filter-bar.tsx";
import type { Target } from "./launch.ts";
import type { Choice } from "./record-table.tsx";
import { RecordTable } from "./record-table.tsx";
import { useRecordPage } from "./use-record-page.ts";
import { useShape } from "./use-shape.ts";

/** What the address keeps of a list. */
export interface RecordListSearch {
  readonly q?: string | undefined;
  readonly filter?: readonly Condition[] | undefined;
  readonly sort?: string | undefined;
  readonly down?: boolean | undefined;
  readonly columns?: readonly string[] | undefined;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
}

const PAGE_SIZE = 50;
/** More columns than this do not fit a screen; the others can be chosen. */
const FIRST_COLUMNS = 9;

export function RecordListPage(): JSX.Element {
  const { model } = useParams({ from: "/records/$model" });
  return (
    <Answered answer={useShape(model)} missing={`There is no model ${model}, or it is not for you to see.`}>
      {(shape) => (
        <ImportDrop model={model} isPossible={shape.model.imports.length > 0}>
          <RecordList key={model} shape={shape} />
        </ImportDrop>
      )}
    </Answered>
  );
}

/** What the address says of the list, as the API takes it. */
interface ListState {
  readonly search: RecordListSearch;
  readonly variables: ListVariables;
  /** The filter and the search, as a bulk operation takes them. */
  readonly selection: Target["selection"];
  readonly isNarrowed: boolean;
  change(part: RecordListSearch): void;
}

function useListState(model: string): ListState {
  const search = useSearch({ from: "/records/$model" });
  const navigate = useNavigate();
  const { q, sort, down, filter = [] } = search;
  const where = whereOf(filter);
  const filtered = where === undefined ? {} : { where };
  return {
    search,
    variables: {
      ...windowVariables(windowOf(search), PAGE_SIZE),
      ...filtered,
      ...(q === undefined ? {} : { search: q }),
      ...(sort === undefined ? {} : { orderBy: [{ [sort]: down === true ? "DESC" : "ASC" }] }),
    },
    selection: q === undefined ? { where: where ?? {} } : { search: { text: q, ...filtered } },
    isNarrowed: where !== undefined || q !== undefined,
    change: (part) =>
      void navigate({
        to: "/records/$model",
        params: { model },
        search: { ...search, after: undefined, before: undefined, ...part },
      }),
  };
}

/** The ids of chosen records, on whatever page they are. */
function useChoice(): { readonly chosen: ReadonlySet<string>; readonly choice: Choice; clear(): void } {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  return {
    chosen,
    choice: {
      has: (id) => chosen.has(id),
      toggle: (ids, isChosen) =>
        setChosen((before) => {
          const after = new Set(before);
          ids.forEach((id) => (isChosen ? after.add(id) : after.delete(id)));
          return after;
        }),
    },
    clear: () => setChosen(new Set()),
  };
}

function RecordList({ shape }: { shape: Shape }): JSX.Element {
  const { name } = shape.model;
  const { search, variables, selection, isNarrowed, change } = useListState(name);
  const columns = useMemo(() => chosenColumns(shape, search.columns), [shape, search.columns]);
  const page = useRecordPage(shape, columns, variables);
  const { chosen, choice, clear } = useChoice();
  const [target, setTarget] = useState<Target>();
  const [isEditing, setEditing] = useState(false);
  const matching: Target = { count: page.data?.totalCount ?? 0, selection };
  const edit = (next: Target): void => {
    setTarget(next);
    setEditing(true);
  };
  return (
    <Stack gap="sm">
      <ListHead
        shape={shape}
        search={search}
        columns={columns}
        total={page.data?.totalCount}
        onChange={change}
      >
        <FileButtons shape={shape} columns={columns} total={matching.count} variables={variables} />
      </ListHead>
      <FilterBar
        shape={shape}
        conditions={search.filter ?? []}
        onChange={(filter) => change({ filter: filter.length === 0 ? undefined : filter })}
      />
      <SelectionBar
        shape={shape}
        chosen={chosen.size}
        matching={matching}
        onClear={clear}
        onEdit={() => edit({ count: chosen.size, selection: { ids: [...chosen] } })}
        onEditAll={() => edit(matching)}
      />
      {page.error === undefined ? null : <Failure message={page.error} onRetry={page.reload} />}
      {page.data?.nodes.length === 0 ? (
        <Empty>{emptyWords(shape, isNarrowed)}</Empty>
      ) : (
        <RecordTable
          shape={shape}
          columns={columns}
          rows={page.data?.nodes ?? []}
          changes={page.changes}
          choice={choice}
          sorting={{ field: search.sort, isDescending: search.down }}
          onSort={({ field, isDescending }) => change({ sort: field, down: isDescending })}
        />
      )}
      {page.data === undefined ? null : (
        <Pager page={page.data.pageInfo} to="/records/$model" params={{ model: name }} search={search} />
      )}
      {target === undefined ? null : (
        <BulkDrawer shape={shape} target={target} isOpen={isEditing} onClose={() => setEditing(false)} />
      )}
    </Stack>
  );
}

function emptyWords({ model }: Shape, isNarrowed: boolean): string {
  return isNarrowed ? "Nothing matches." : `There are no ${model.title.toLowerCase()} yet.`;
}

function ListHead(props: {
  shape: Shape;
  search: RecordListSearch;
  columns: readonly Field[];
  total: number | undefined;
  onChange: (part: RecordListSearch) => void;
  children: ReactNode;
}): JSX.Element {
  const { shape, search, columns, total, onChange, children } = props;
  const { name, title, create, listArguments } = shape.model;
  return (
    <Group justify="space-between">
      <Group gap="sm" align="baseline">
        <Title order={1} size="h3">
          {title}
        </Title>
        <Text c="dimmed" size="sm" className="numbers" data-total={total}>
          {total === undefined ? "" : count(total)}
        </Text>
      </Group>
      <Group gap="xs">
        {listArguments.has("search") ? (
          <SearchField key={search.q ?? ""} text={search.q ?? ""} onSearch={(q) => onChange({ q })} />
        ) : null}
        {create === undefined ? null : <NewButton model={name} />}
        {children}
        <ColumnMenu
          shape={shape}
          columns={columns}
          // The page stays where it is.
          onChange={(names) => onChange({ after: search.after, before: search.before, columns: names })}
        />
      </Group>
    </Group>
  );
}

function windowOf({ after, before }: RecordListSearch): { after?: string; before?: string } {
  return { ...(after === undefined ? {} : { after }), ...(before === undefined ? {} : { before }) };
}

function NewButton({ model }: { model: string }): JSX.Element {
  const navigate = useNavigate();
  return (
    <Button
      size="xs"
      variant="default"
      onClick={() => void navigate({ to: "/records/$model/$id", params: { model, id: "new" } })}
    >
      New
    </Button>
  );
}

/** The best name first, then the others as the schema has them. */
function chosenColumns({ fields, label }: Shape, names: readonly string[] | undefined): readonly Field[] {
  const ordered = [
    ...fields.filter(({ name }) => name === label),
    ...fields.filter(({ name }) => name !== label),
  ];
  return names === undefined
    ? ordered.filter((field) => !isReference(fields, field)).slice(0, FIRST_COLUMNS)
    : ordered.filter(({ name }) => names.includes(name));
}

/** Whether it is a column such as `countryCode`, beside the record `country` that it refers to. */
function isReference(fields: readonly Field[], { name, kind }: Field): boolean {
  return (
    kind === "value" &&
    fields.some((one) => one.kind === "record" && new RegExp(`^${one.name}_?[A-Z]`).test(name))
  );
}

function SearchField({
  text,
  onSearch,
}: {
  text: string;
  onSearch: (text: string | undefined) => void;
}): JSX.Element {
  const [draft, setDraft] = useState(text);
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        onSearch(draft.trim() === "" ? undefined : draft.trim());
      }}
    >
      <TextInput
        size="xs"
        w={240}
        placeholder="Search"
        aria-label="Search"
        value={draft}
        onChange={(event) => setDraft(event.currentTarget.value)}
      />
    </form>
  );
}

function ColumnMenu(props: {
  shape: Shape;
  columns: readonly Field[];
  onChange: (names: readonly string[]) => void;
}): JSX.Element {
  const { shape, columns, onChange } = props;
  const shown = columns.map(({ name }) => name);
  return (
    <Menu closeOnItemClick={false} position="bottom-end">
      <Menu.Target>
        <Button size="xs" variant="default">
          Columns
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah={360} style={{ overflow: "auto" }}>
        {shape.fields.map(({ name, title }) => {
          const isShown = shown.includes(name);
          return (
            <Menu.Item
              key={name}
              role="menuitemcheckbox"
              aria-checked={isShown}
              leftSection={isShown ? "✓" : " "}
              onClick={() => onChange(isShown ? shown.filter((one) => one !== name) : [...shown, name])}
            >
              {title}
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}

function SelectionBar(props: {
  shape: Shape;
  chosen: number;
  matching: Target;
  onClear: () => void;
  onEdit: () => void;
  onEditAll: () => void;
}): JSX.Element | null {
  const { shape, chosen, matching, onClear, onEdit, onEditAll } = props;
  const many = shape.model.title.toLowerCase();
  if (shape.model.bulkUpdate === undefined) {
    return null;
  }
  return (
    <Group gap="xs" mih={30}>
      {chosen > 0 ? (
        <>
          <Text size="sm">{count(chosen)} chosen</Text>
          <Button size="xs" onClick={onEdit}>
            Edit {countOf(chosen, many)}
          </Button>
          <Button size="xs" variant="subtle" onClick={onClear}>
            Clear
          </Button>
        </>
      ) : null}
      <Button size="xs" variant="default" disabled={matching.count === 0} onClick={onEditAll}>
        Edit all {countOf(matching.count, many)} that match
      </Button>
    </Group>
  );
}
