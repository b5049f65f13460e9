import type { ListWindow } from "../../kernel/list-window.ts";

/** A row of a viewer's inbox. */
export interface InboxRow {
  readonly id: string;
  readonly taskId: string;
  /** The id of the viewer. */
  readonly viewerId: string;
  readonly createdAt: Date;
  readonly readAt: Date | null;
}

/** A page of an inbox. */
export interface InboxQuery {
  readonly viewerId: string;
  /** Only those that were not read. Default: all. */
  readonly isUnread?: boolean;
}

/** The notifications that viewers read in the app. Each viewer sees their own. */
export interface Inbox {
  /** The newest first. Places are ids. */
  list(query: InboxQuery & ListWindow<string>): Promise<readonly InboxRow[]>;
  count(query: InboxQuery): Promise<number>;
  /** Those of the viewers that were made since then, the oldest first. */
  since(query: {
    readonly viewerIds: readonly string[];
    readonly since: Date;
    readonly limit: number;
  }): Promise<readonly InboxRow[]>;
  /** Marks one as read; one that was read before stays as it is. Undefined when the viewer has none with that id. */
  markRead(mark: {
    readonly viewerId: string;
    readonly id: string;
    readonly at: Date;
  }): Promise<InboxRow | undefined>;
  /** @returns how many were not read before */
  markAllRead(mark: { readonly viewerId: string; readonly at: Date }): Promise<number>;
}
