import { Badge, ScrollArea, Text, TextInput } from "@mantine/core";
import { useMatchRoute } from "@tanstack/react-router";
import type { JSX } from "react";
import { useState } from "react";
import { RailLink } from "../parts/link.tsx";
import { useUnreadCount } from "../notifications/unread.ts";
import { useRunningTasks, useWorkspace } from "./workspace.tsx";

/** With more models than this, a field searches them. */
const MANY_MODELS = 12;

/** The ways to all pages. */
export function Rail(): JSX.Element {
  const { models } = useWorkspace();
  const [text, setText] = useState("");
  const isActive = useMatchRoute();
  const unread = useUnreadCount();
  const running = useRunningTasks().length;
  const shown = models.filter(({ title }) => title.toLowerCase().includes(text.trim().toLowerCase()));
  return (
    <ScrollArea type="auto" offsetScrollbars>
      <RailLink
        to="/tasks"
        label="Tasks"
        active={isActive({ to: "/tasks", fuzzy: true }) !== false}
        rightSection={
          running === 0 ? null : (
            <Badge size="sm" variant="light" aria-label={`${running} running`}>
              {running}
            </Badge>
          )
        }
      />
      {models.some(({ imports }) => imports.length > 0) ? (
        <RailLink
          to="/imports"
          label="Imports"
          active={isActive({ to: "/imports", fuzzy: true }) !== false}
        />
      ) : null}
      <RailLink to="/schedules" label="Schedules" active={isActive({ to: "/schedules" }) !== false} />
      <RailLink
        to="/notifications"
        label="Notifications"
        active={isActive({ to: "/notifications" }) !== false}
        rightSection={
          unread === 0 ? null : (
            <Badge size="sm" variant="light" aria-label={`${unread} unread`}>
              {unread}
            </Badge>
          )
        }
      />
      <RailLink to="/health" label="Health" active={isActive({ to: "/health" }) !== false} />
      <Text size="xs" c="dimmed" fw={600} px="sm" pt="md" pb={4} id="rail-records">
        Records
      </Text>
      {models.length > MANY_MODELS ? (
        <TextInput
          size="xs"
          px="sm"
          pb="xs"
          placeholder="Find a model"
          aria-label="Find a model"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      ) : null}
      {shown.map(({ name, title }) => (
        <RailLink
          key={name}
          to="/records/$model"
          params={{ model: name }}
          label={title}
          active={isActive({ to: "/records/$model", params: { model: name }, fuzzy: true }) !== false}
        />
      ))}
    </ScrollArea>
  );
}
