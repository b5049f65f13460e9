import { useEffect } from "react";
import type { Workspace } from "../frame/workspace.tsx";
import { useWorkspace } from "../frame/workspace.tsx";
import { NotificationFeedDocument, UnreadNotificationsDocument } from "../generated/graphql.ts";
import { useAnswer } from "../parts/use-answer.ts";

/** Nobody tells an anonymous caller anything. */
function useNotified(): Pick<Workspace, "connection"> & { readonly isSomebody: boolean } {
  const { connection, viewer } = useWorkspace();
  return { connection, isSomebody: viewer.id !== null && viewer.id !== undefined };
}

/** Runs `action` whenever a notification comes, and when one may have come before the service tells of them. */
export function useNotificationFeed(action: () => void): void {
  const { connection, isSomebody } = useNotified();
  useEffect(
    () =>
      isSomebody
        ? connection.follow({
            document: NotificationFeedDocument,
            variables: () => ({}),
            onData: action,
            // Of the last two seconds before it begins the subscription tells, too.
            onStart: action,
          })
        : undefined,
    [action, connection, isSomebody],
  );
}

/** How many notifications are unread. */
export function useUnreadCount(): number {
  const { connection, isSomebody } = useNotified();
  const { data, reload } = useAnswer("unread", async () =>
    isSomebody ? (await connection.request(UnreadNotificationsDocument, {})).notifications.unreadCount : 0,
  );
  useNotificationFeed(reload);
  useEffect(() => {
    reads.add(reload);
    return () => void reads.delete(reload);
  }, [reload]);
  return data ?? 0;
}

const reads = new Set<() => void>();

/** To be called when some were marked as read: nobody else tells. */
export function tellRead(): void {
  reads.forEach((reload) => reload());
}
