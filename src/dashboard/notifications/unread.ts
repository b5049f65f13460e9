import { useEffect } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import { NotificationFeedDocument, UnreadNotificationsDocument } from "../generated/graphql.ts";
import { useAnswer } from "../parts/use-answer.ts";

/** Runs `action` whenever a notification comes, and after a gap in which one may have come. */
export function useNotificationFeed(action: () => void): void {
  const { connection, viewer } = useWorkspace();
  const isSomebody = viewer.id !== null && viewer.id !== undefined;
  useEffect(
    () =>
      // Nobody tells an anonymous caller anything.
      isSomebody
        ? connection.follow({
            document: NotificationFeedDocument,
            variables: () => ({}),
            onData: action,
            onReturn: action,
          })
        : undefined,
    [action, connection, isSomebody],
  );
}

/** How many notifications are unread. */
export function useUnreadCount(): number {
  const { connection, viewer } = useWorkspace();
  const isSomebody = viewer.id !== null && viewer.id !== undefined;
  const { data, reload } = useAnswer(`unread ${viewer.id ?? ""}`, async () =>
    isSomebody ? (await connection.request(UnreadNotificationsDocument, {})).notifications.totalCount : 0,
  );
  useNotificationFeed(reload);
  return data ?? 0;
}
