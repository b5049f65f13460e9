import { Button, Group, MultiSelect, Select, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { JSX, KeyboardEvent } from "react";
import { useEffect, useState } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { TaskStatus } from "../generated/graphql.ts";
import { TaskKindsDocument } from "../generated/graphql.ts";
import { inWords } from "../models/model.ts";
import { useAnswer } from "../parts/use-answer.ts";
import type { TaskListSearch } from "./task-search.ts";
import { SPANS } from "./task-search.ts";
import { count, STATUS_WORDS } from "./task-words.ts";

const BETWEEN = "between";

type Change = (part: TaskListSearch) => void;

/** The filters of the list of tasks; the address keeps them. */
export function TaskFilters(props: {
  search: TaskListSearch;
  counts: ReadonlyMap<TaskStatus, number> | undefined;
}): JSX.Element {
  const { search, counts } = props;
  const navigate = useNavigate();
  const change: Change = (part) =>
    void navigate({ to: "/tasks", search: { ...search, after: undefined, ...part } });
  const isFiltered = Object.keys(search).some((name) => name !== "after");
  return (
    <>
      <StatusFilter search={search} counts={counts} onChange={change} />
      <Group gap="xs">
        <ListFilters search={search} onChange={change} />
        <OwnerFilter key={search.owner} search={search} onChange={change} />
        <TimeFilter search={search} onChange={change} />
        {isFiltered ? (
          <Button size="xs" variant="subtle" onClick={() => void navigate({ to: "/tasks", search: {} })}>
            Show all
          </Button>
        ) : null}
      </Group>
    </>
  );
}

/** One button for each status that tasks have, with their number. */
function StatusFilter(props: {
  search: TaskListSearch;
  counts: ReadonlyMap<TaskStatus, number> | undefined;
  onChange: Change;
}): JSX.Element {
  const { search, counts, onChange } = props;
  const chosen = new Set(search.status);
  const shown = (Object.keys(STATUS_WORDS) as TaskStatus[]).filter(
    (status) => chosen.has(status) || (counts?.get(status) ?? 0) > 0,
  );
  const all = [...(counts?.values() ?? [])].reduce((sum, one) => sum + one, 0);
  const toggle = (status: TaskStatus): void => {
    const next = chosen.has(status) ? [...chosen].filter((one) => one !== status) : [...chosen, status];
    onChange({ status: next.length === 0 ? undefined : next });
  };
  return (
    <div className="toggles" role="group" aria-label="Status">
      <button type="button" aria-pressed={chosen.size === 0} onClick={() => onChange({ status: undefined })}>
        All <span className="numbers">{counts === undefined ? "" : count(all)}</span>
      </button>
      {shown.map((status) => (
        <button
          key={status}
          type="button"
          data-status={status}
          aria-pressed={chosen.has(status)}
          onClick={() => toggle(status)}
        >
          <i className={`dot dot-${STATUS_WORDS[status].color}`} aria-hidden="true" />
          {STATUS_WORDS[status].word} <span className="numbers">{count(counts?.get(status) ?? 0)}</span>
        </button>
      ))}
    </div>
  );
}

function ListFilters({ search, onChange }: { search: TaskListSearch; onChange: Change }): JSX.Element {
  const { connection, models } = useWorkspace();
  const kinds = useAnswer("kinds", async () => (await connection.request(TaskKindsDocument, {})).taskKinds);
  const known = new Set([...(kinds.data?.map(({ name }) => name) ?? []), ...(search.kind ?? [])]);
  const listed = (values: string[]): string[] | undefined => (values.length === 0 ? undefined : values);
  return (
    <>
      <MultiSelect
        size="xs"
        aria-label="Model"
        placeholder={search.model === undefined ? "Any model" : ""}
        clearable
        searchable
        data={models.map(({ name, title }) => ({ value: name, label: title }))}
        value={[...(search.model ?? [])]}
        onChange={(values) => onChange({ model: listed(values) })}
      />
      <MultiSelect
        size="xs"
        aria-label="Kind"
        placeholder={search.kind === undefined ? "Any kind" : ""}
        clearable
        searchable
        data={[...known].map((name) => ({ value: name, label: inWords(name) }))}
        value={[...(search.kind ?? [])]}
        onChange={(values) => onChange({ kind: listed(values) })}
      />
    </>
  );
}

function OwnerFilter({ search, onChange }: { search: TaskListSearch; onChange: Change }): JSX.Element {
  const { viewer } = useWorkspace();
  const [text, setText] = useState(search.owner ?? "");
  const commit = (value: string): void => {
    if (value !== (search.owner ?? "")) {
      onChange({ owner: value === "" ? undefined : value });
    }
  };
  return (
    <>
      <TextInput
        size="xs"
        w={150}
        aria-label="Launched by"
        placeholder="Launched by anyone"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={() => commit(text.trim())}
        onKeyDown={(event: KeyboardEvent) => (event.key === "Enter" ? commit(text.trim()) : undefined)}
      />
      {viewer.id === null || viewer.id === undefined || viewer.id === search.owner ? null : (
        <Button size="xs" variant="subtle" onClick={() => commit(String(viewer.id))}>
          Mine
        </Button>
      )}
    </>
  );
}

function TimeFilter({ search, onChange }: { search: TaskListSearch; onChange: Change }): JSX.Element {
  const isGiven = search.from !== undefined || search.to !== undefined;
  const [isOpen, setOpen] = useState(isGiven);
  useEffect(() => setOpen(isGiven), [isGiven]);
  const choose = (value: string | null): void => {
    setOpen(value === BETWEEN);
    if (value !== BETWEEN) {
      onChange({ since: (value ?? undefined) as TaskListSearch["since"], from: undefined, to: undefined });
    }
  };
  const day = (name: "from" | "to", label: string): JSX.Element => (
    <TextInput
      size="xs"
      type="date"
      aria-label={label}
      value={search[name] ?? ""}
      onChange={(event) =>
        onChange({
          since: undefined,
          [name]: event.currentTarget.value === "" ? undefined : event.currentTarget.value,
        })
      }
    />
  );
  return (
    <>
      <Select
        size="xs"
        w={140}
        aria-label="Launched"
        placeholder="Any time"
        clearable
        data={[
          ...Object.entries(SPANS).map(([value, { words }]) => ({ value, label: words })),
          { value: BETWEEN, label: "Between two days" },
        ]}
        value={search.since ?? (isOpen ? BETWEEN : null)}
        onChange={choose}
      />
      {isOpen ? (
        <>
          {day("from", "From day")}
          {day("to", "To day")}
        </>
      ) : null}
    </>
  );
}
