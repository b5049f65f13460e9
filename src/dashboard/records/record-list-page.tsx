import { Stack } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { useNavigate, useParams } from "@tanstack/react-router";
import type { JSX } from "react";
import { useEffect, useMemo, useState } from "react";
import { FileButtons } from "../exports/file-buttons.tsx";
import { ImportDrop } from "../imports/file-drop.tsx";
import type { Field, Shape } from "../models/shape.ts";
import { ActionButton } from "../parts/action-button.tsx";
import { Answered } from "../parts/answered.tsx";
import { Empty, Failure, NOTHING_MATCHES } from "../parts/notice.tsx";
import { Pager } from "../parts/pager.tsx";
import { BulkDrawer } from "./bulk-drawer.tsx";
import type { ChangeDraft } from "./change-fields.tsx";
import { FirstHint } from "./first-hint.tsx";
import { FilterBar } from "./filter-bar.tsx";
import { keptColumns, useDensity } from "./kept-choices.ts";
import type { BulkVerb, Target } from "./launch.ts";
import { ListHead } from "./list-head.tsx";
import type { ListState } from "./list-search.ts";
import { useListState } from "./list-search.ts";
import type { Choice } from "./record-table.tsx";
import { RecordTable } from "./record-table.tsx";
import { SelectionBar } from "./selection-bar.tsx";
import { Totals } from "./totals.tsx";
import type { LivePage } from "./use-record-page.ts";
import { useRecordPage } from "./use-record-page.ts";
import { useShape } from "./use-shape.ts";

/** Records that a change is tried on while it is typed: a few, since a try holds them for a moment. */
const SAMPLED = 10;
/** More columns than this do not fit a screen; the others can be chosen. */
const FIRST_COLUMNS = 9;

export function RecordListPage(): JSX.Element {
  const { model } = useParams({ from: "/records/$model" });
  return (
    <Answered answer={useShape(model)} missing={`There is no model ${model}, or it is not for you to see.`}>
      {(shape) => (
        <ImportDrop model={model} isPossible={shape.model.imports.length > 0}>
          <FirstHint />
          <RecordList key={model} shape={shape} />
        </ImportDrop>
      )}
    </Answered>
  );
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
  const list = useListState(name);
  const { search, variables, selection, change } = list;
  const columns = useMemo(
    () => chosenColumns(shape, search.columns ?? keptColumns(name)),
    [shape, name, search.columns],
  );
  const [density, setDensity] = useDensity();
  const page = useRecordPage(shape, columns, variables);
  const { chosen, choice, clear } = useChoice();
  const shown = page.data?.nodes.slice(0, SAMPLED) ?? [];
  const matching: Target = {
    count: page.data?.totalCount ?? 0,
    selection,
    sample: shown.map(({ id }) => id),
  };
  useHotkeys([
    ["/", () => document.querySelector<HTMLElement>("[role=search] input")?.focus()],
    ["f", () => document.querySelector<HTMLElement>("[data-add-filter]")?.click()],
  ]);
  return (
    <Stack gap="sm">
      <ListHead
        shape={shape}
        search={search}
        columns={columns}
        density={density}
        onDensity={setDensity}
        total={page.data?.totalCount}
        onChange={change}
      >
        <FileButtons shape={shape} columns={columns} total={matching.count} variables={variables} />
      </ListHead>
      <FilterBar
        shape={shape}
        conditions={{ filter: search.filter ?? [], isAny: search.any === true }}
        onChange={({ filter, isAny }) =>
          change({ filter: filter.length === 0 ? undefined : filter, any: isAny ? true : undefined })
        }
      />
      <Bulk
        shape={shape}
        chosen={{
          count: chosen.size,
          selection: { ids: [...chosen] },
          sample: [...chosen].slice(0, SAMPLED),
        }}
        matching={matching}
        tried={search.try}
        onTried={() => change({ try: undefined })}
        onClear={clear}
      />
      <RecordRows
        shape={shape}
        columns={columns}
        list={list}
        page={page}
        choice={choice}
        isRoomy={density === "roomy"}
      />
    </Stack>
  );
}

/** The page of records, its totals, and the ways to other pages. */
function RecordRows(props: {
  shape: Shape;
  columns: readonly Field[];
  list: ListState;
  page: LivePage;
  choice: Choice;
  isRoomy: boolean;
}): JSX.Element {
  const { shape, columns, list, page, choice, isRoomy } = props;
  const { search, variables, change } = list;
  return (
    <>
      {page.error === undefined ? null : <Failure message={page.error} onRetry={page.reload} />}
      {page.data?.nodes.length === 0 ? (
        <NoRecords shape={shape} list={list} />
      ) : (
        <RecordTable
          shape={shape}
          columns={columns}
          rows={page.data?.nodes ?? []}
          changes={page.changes}
          choice={choice}
          sorting={{ field: search.sort, isDescending: search.down }}
          isRoomy={isRoomy}
          onSort={({ field, isDescending }) => change({ sort: field, down: isDescending })}
        >
          {search.totals === true ? (
            <Totals shape={shape} columns={columns} variables={variables} version={page.data} />
          ) : null}
        </RecordTable>
      )}
      {page.data === undefined ? null : (
        <Pager
          page={page.data.pageInfo}
          to="/records/$model"
          params={{ model: shape.model.name }}
          search={search}
        />
      )}
    </>
  );
}

/** What can be done with the chosen records, and with all that match. */
function Bulk(props: {
  shape: Shape;
  chosen: Target;
  matching: Target;
  /** A number to which one is added in a preview that is shown at once. */
  tried: string | undefined;
  onTried: () => void;
  onClear: () => void;
}): JSX.Element {
  const { shape, chosen, matching, tried, onTried, onClear } = props;
  const [asked, setAsked] = useState<{ verb: BulkVerb; target: Target; start?: readonly ChangeDraft[] }>();
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    if (matching.count > 0 && shape.bulkChanges.some(({ name }) => name === tried)) {
      const start = [{ field: tried ?? "", verb: "increment", text: "1" }];
      setAsked({ verb: "update", target: matching, start });
      onTried();
    }
  }, [shape, tried, matching, onTried]);
  // Only a drawer that was there before it opens knows where to give the focus back to.
  useEffect(() => setOpen(asked !== undefined), [asked]);
  return (
    <>
      <SelectionBar
        shape={shape}
        chosen={chosen}
        matching={matching}
        onClear={onClear}
        onBulk={(verb, target) => setAsked({ verb, target })}
      />
      {asked === undefined ? null : (
        <BulkDrawer
          key={`${asked.verb} ${asked.start?.[0]?.field ?? ""}`}
          shape={shape}
          {...asked}
          isOpen={isOpen}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}

/** Why the list is empty, and what can be done about it. */
function NoRecords({ shape, list }: { shape: Shape; list: ListState }): JSX.Element {
  const { name, title, create } = shape.model;
  const navigate = useNavigate();
  if (list.isNarrowed) {
    return (
      <Empty
        action={
          <ActionButton
            name="Show all"
            reason={undefined}
            onClick={() => list.change({ q: undefined, filter: undefined, any: undefined })}
          />
        }
      >
        {NOTHING_MATCHES}
      </Empty>
    );
  }
  return (
    <Empty
      action={
        create === undefined ? null : (
          <ActionButton
            name="Create the first one"
            reason={undefined}
            onClick={() => void navigate({ to: "/records/$model/$id", params: { model: name, id: "new" } })}
          />
        )
      }
    >
      There are no {title.toLowerCase()} yet.
      {shape.model.imports.length === 0 ? "" : " Drop a file with some here to import them."}
    </Empty>
  );
}

/** The best name first, then the others as the schema has them. */
function chosenColumns({ fields, label }: Shape, names: readonly string[] | undefined): readonly Field[] {
  const ordered = [
    ...fields.filter(({ name }) => name === label),
    ...fields.filter(({ name }) => name !== label),
  ];
  return names === undefined
    ? [...new Set(ordered.map((field) => referredBy(fields, field) ?? field))].slice(0, FIRST_COLUMNS)
    : ordered.filter(({ name }) => names.includes(name));
}

/** The record that a column refers to: `country` in the place of `countryCode`. */
function referredBy(fields: readonly Field[], { name, kind }: Field): Field | undefined {
  return kind === "value"
    ? fields.find((one) => one.kind === "record" && new RegExp(`^${one.name}_?[A-Z]`).test(name))
    : undefined;
}
