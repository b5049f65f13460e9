import { ActionIcon, Badge, ScrollArea, Text, TextInput, Tooltip } from "@mantine/core";
import { useMatchRoute } from "@tanstack/react-router";
import type { JSX, ReactNode } from "react";
import { useState } from "react";
import type { Model } from "../models/model.ts";
import { RailLink } from "../parts/link.tsx";
import { useUnreadCount } from "../notifications/unread.ts";
import { count } from "../tasks/task-words.ts";
import type { IconName } from "./icons.tsx";
import { Icon } from "./icons.tsx";
import { useRecordCount } from "./record-count.ts";
import { useRunningTasks, useWorkspace } from "./workspace.tsx";

/** With more models than this, a field searches them. */
const MANY_MODELS = 12;
/** With more than this, they stand under their first letters. */
const MANY_MORE_MODELS = 30;

/** The ways to all pages. @param props.onFold narrows the rail to icons, or widens it; undefined where it is a sheet */
export function Rail(props: { isNarrow: boolean; onFold: (() => void) | undefined }): JSX.Element {
  const { isNarrow, onFold } = props;
  const { models } = useWorkspace();
  const unread = useUnreadCount();
  const running = useRunningTasks().length;
  return (
    <>
      <ScrollArea type="auto" scrollbars="y" className="rail" offsetScrollbars={!isNarrow}>
        <PageEntry
          to="/tasks"
          icon="tasks"
          label="Tasks"
          isNarrow={isNarrow}
          number={running}
          unit="running"
        />
        {models.some(({ imports }) => imports.length > 0) ? (
          <PageEntry to="/imports" icon="imports" label="Imports" isNarrow={isNarrow} />
        ) : null}
        <PageEntry to="/schedules" icon="schedules" label="Schedules" isNarrow={isNarrow} />
        <PageEntry
          to="/notifications"
          icon="notifications"
          label="Notifications"
          isNarrow={isNarrow}
          number={unread}
          unit="unread"
        />
        <PageEntry to="/health" icon="health" label="Health" isNarrow={isNarrow} />
        {isNarrow ? <NarrowRecords onOpen={onFold} /> : <ModelEntries />}
      </ScrollArea>
      {onFold === undefined ? null : (
        <ActionIcon
          variant="subtle"
          color="gray"
          mt="xs"
          aria-label={isNarrow ? "Widen the menu" : "Narrow the menu"}
          onClick={onFold}
        >
          <Icon name={isNarrow ? "wide" : "narrow"} />
        </ActionIcon>
      )}
    </>
  );
}

/** The way to one page, with a number where there is something to tell. */
function PageEntry(props: {
  to: string;
  icon: IconName;
  label: string;
  isNarrow: boolean;
  number?: number;
  unit?: string;
}): JSX.Element {
  const { to, icon, label, isNarrow, number = 0, unit = "" } = props;
  const here: unknown = useMatchRoute()({ to, fuzzy: true } as never);
  const badge =
    number === 0 ? null : (
      <Badge size="sm" variant="light" aria-label={`${number} ${unit}`}>
        {count(number)}
      </Badge>
    );
  return (
    <Tooltip
      label={number === 0 ? label : `${label}: ${number} ${unit}`}
      position="right"
      disabled={!isNarrow}
    >
      <RailLink
        to={to}
        label={isNarrow ? undefined : label}
        aria-label={isNarrow ? label : undefined}
        leftSection={<Icon name={icon} />}
        rightSection={isNarrow ? undefined : badge}
        active={here !== false}
        data-marked={isNarrow && number > 0 ? true : undefined}
      />
    </Tooltip>
  );
}

/** There is no room for the models: the rail widens for them. */
function NarrowRecords({ onOpen }: { onOpen: (() => void) | undefined }): JSX.Element {
  return (
    <Tooltip label="Records" position="right">
      <ActionIcon variant="subtle" color="gray" size={36} mt="md" aria-label="Records" onClick={onOpen}>
        <Icon name="records" />
      </ActionIcon>
    </Tooltip>
  );
}

/** The ways to the models' records: searchable where they are many. */
function ModelEntries(): JSX.Element {
  const { models } = useWorkspace();
  const [text, setText] = useState("");
  const words = text.trim().toLowerCase();
  const shown = models.filter(
    ({ title, name }) => title.toLowerCase().includes(words) || name.toLowerCase().includes(words),
  );
  return (
    <>
      <Text size="xs" c="dimmed" fw={600} px="sm" pt="md" pb={4} id="rail-records">
        Records
      </Text>
      {models.length > MANY_MODELS ? (
        <TextInput
          size="xs"
          px="sm"
          pb="xs"
          type="search"
          placeholder={`Find one of ${models.length} models`}
          aria-label="Find a model"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      ) : null}
      <nav aria-labelledby="rail-records">
        {shown.map((model, at) => (
          <ModelEntry key={model.name} model={model} letter={letterOf(shown, at)} />
        ))}
      </nav>
      {shown.length === 0 ? (
        <Text size="xs" c="dimmed" px="sm">
          {models.length === 0 ? "There are none that you may see." : "No model is called so."}
        </Text>
      ) : null}
    </>
  );
}

/** The letter that a group of models stands under, at its first one. */
function letterOf(models: readonly Model[], at: number): string | undefined {
  const letter = models[at]?.title.charAt(0).toUpperCase();
  const isFirst = letter !== models[at - 1]?.title.charAt(0).toUpperCase();
  return models.length > MANY_MORE_MODELS && isFirst ? letter : undefined;
}

/** The way to a model's records. How many there are is asked when one points at it. */
function ModelEntry({ model, letter }: { model: Model; letter: string | undefined }): JSX.Element {
  const isActive = useMatchRoute();
  const { number, ask } = useRecordCount(model);
  const heading: ReactNode =
    letter === undefined ? null : (
      <Text size="xs" c="dimmed" px="sm" pt={6}>
        {letter}
      </Text>
    );
  return (
    <>
      {heading}
      <RailLink
        to="/records/$model"
        params={{ model: model.name }}
        label={model.title}
        onMouseEnter={ask}
        onFocus={ask}
        rightSection={
          number === undefined ? undefined : (
            <Text size="xs" c="dimmed" className="numbers" aria-label={`${count(number)} records`}>
              {count(number)}
            </Text>
          )
        }
        active={isActive({ to: "/records/$model", params: { model: model.name }, fuzzy: true }) !== false}
      />
    </>
  );
}
