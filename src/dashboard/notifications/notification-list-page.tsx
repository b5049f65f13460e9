import { Button, Card, Group, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useSearch } from "@tanstack/react-router";
import type { JSX } from "react";
import { useState } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import {
  MarkAllNotificationsReadDocument,
  MarkNotificationReadDocument,
  NotificationsDocument,
} from "../generated/graphql.ts";
import type { Window } from "../models/list-document.ts";
import { windowVariables } from "../models/list-document.ts";
import { PageLink } from "../parts/link.tsx";
import { Empty, Failure } from "../parts/notice.tsx";
import { Pager } from "../parts/pager.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { ActionButton } from "../parts/action-button.tsx";
import { tellRead, useNotificationFeed } from "./unread.ts";
import { errorText } from "../parts/error-text.ts";

const PAGE_SIZE = 30;

/** How tasks ended, for whom it was to be told. */
export function NotificationListPage(): JSX.Element {
  const { connection, viewer } = useWorkspace();
  const window: Window = useSearch({ from: "/notifications" });
  const [failure, setFailure] = useState<string>();
  const answer = useAnswer(
    JSON.stringify(window),
    async () =>
      (await connection.request(NotificationsDocument, windowVariables(window, PAGE_SIZE))).notifications,
  );
  useNotificationFeed(answer.reload);
  const act = (marking: Promise<string | undefined>): void => {
    marking
      .then(setFailure, (error: unknown) => setFailure(errorText(error)))
      .finally(() => {
        answer.reload();
        tellRead();
      });
  };
  const mark = async (id: string): Promise<string | undefined> => {
    const { markNotificationRead: outcome } = await connection.request(MarkNotificationReadDocument, { id });
    return "message" in outcome ? outcome.message : undefined;
  };
  const markAll = async (): Promise<undefined> => {
    await connection.request(MarkAllNotificationsReadDocument, {});
    return undefined;
  };
  const { data } = answer;
  return (
    <Stack maw={760}>
      <Group justify="space-between">
        <Title order={1} size="h3">
          Notifications
        </Title>
        <ActionButton
          name="Mark all as read"
          reason={(data?.unreadCount ?? 0) > 0 ? undefined : "All are read."}
          onClick={() => act(markAll())}
        />
      </Group>
      {failure === undefined ? null : <Failure message={failure} />}
      {answer.error === undefined ? null : <Failure message={answer.error} onRetry={answer.reload} />}
      {data === undefined && answer.error === undefined ? <Skeleton height={220} /> : null}
      {data?.nodes.length === 0 ? <NothingToTell isSomebody={typeof viewer.id === "string"} /> : null}
      {data?.nodes.map(({ id, title, text, createdAt, readAt, task }) => (
        <Card key={id} withBorder padding="sm" data-notification={id}>
          <Group justify="space-between" wrap="nowrap" align="start">
            <div>
              <PageLink
                to="/tasks/$id"
                params={{ id: task.id }}
                size="sm"
                fw={readAt === null || readAt === undefined ? 600 : 400}
              >
                {title}
              </PageLink>
              <Text size="sm">{text}</Text>
              <TimeText at={createdAt} />
            </div>
            {readAt === null || readAt === undefined ? (
              <Button size="xs" variant="subtle" onClick={() => act(mark(id))}>
                Mark as read
              </Button>
            ) : null}
          </Group>
        </Card>
      ))}
      {data === undefined ? null : <Pager page={data.pageInfo} to="/notifications" search={window} />}
    </Stack>
  );
}

function NothingToTell({ isSomebody }: { isSomebody: boolean }): JSX.Element {
  return (
    <Empty>
      {isSomebody
        ? "Nothing to tell. When a task of yours ends, and its launch asked for it, it is told here."
        : "Nothing to tell: notifications go to people, and nobody signs in here. Where authentication is on, they come to who launched a task."}
    </Empty>
  );
}
