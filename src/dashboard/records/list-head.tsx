import { Button, Group, Menu, Text, TextInput, Title } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { JSX, ReactNode } from "react";
import { useState } from "react";
import type { Field, Shape } from "../models/shape.ts";
import { count } from "../tasks/task-words.ts";
import type { Density } from "./kept-choices.ts";
import { keepColumns, keptColumns } from "./kept-choices.ts";
import type { ListView, RecordListSearch } from "./list-search.ts";
import { SavedViewMenu } from "./saved-view-menu.tsx";

/** Takes the place of all that the address says. */
const EMPTY_VIEW: ListView = {
  q: undefined,
  filter: undefined,
  any: undefined,
  sort: undefined,
  down: undefined,
  columns: undefined,
  totals: undefined,
};

/** The title and count of a list, with what changes how it looks. */
export function ListHead(props: {
  shape: Shape;
  search: RecordListSearch;
  columns: readonly Field[];
  density: Density;
  onDensity: (density: Density) => void;
  total: number | undefined;
  onChange: (part: RecordListSearch) => void;
  /** More buttons. */
  children: ReactNode;
}): JSX.Element {
  const { shape, search, columns, density, onDensity, total, onChange, children } = props;
  const { name, title, create, aggregate, listArguments } = shape.model;
  // The page stays where it is.
  const place = { after: search.after, before: search.before };
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
        <SavedViewMenu
          model={name}
          view={{ ...search, columns: search.columns ?? keptColumns(name) }}
          onChoose={(view) => onChange({ ...EMPTY_VIEW, ...view })}
        />
        {create === undefined ? null : <NewButton model={name} />}
        {children}
        <ColumnMenu
          shape={shape}
          columns={columns}
          onChange={(names) => {
            keepColumns(name, names);
            onChange({ ...place, columns: names });
          }}
        />
        {aggregate === undefined ? null : (
          <Button
            size="xs"
            variant={search.totals === true ? "light" : "default"}
            aria-pressed={search.totals === true}
            onClick={() => onChange({ ...place, totals: search.totals === true ? undefined : true })}
          >
            Totals
          </Button>
        )}
        <Button
          size="xs"
          variant={density === "roomy" ? "light" : "default"}
          aria-pressed={density === "roomy"}
          onClick={() => onDensity(density === "roomy" ? "close" : "roomy")}
        >
          Roomy
        </Button>
      </Group>
    </Group>
  );
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
            <Menu.CheckboxItem
              key={name}
              checked={isShown}
              onChange={() => onChange(isShown ? shown.filter((one) => one !== name) : [...shown, name])}
            >
              {title}
            </Menu.CheckboxItem>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}
