import type { SchemaContributor } from "../builder.ts";
import type { DeadPorts } from "./dead-notifications.ts";
import { addDeadNotifications } from "./dead-notifications.ts";
import type { InboxPorts } from "./inbox-fields.ts";
import { addInbox } from "./inbox-fields.ts";

/** What the notifications' part of the schema calls. */
export interface NotificationSchemaPorts extends InboxPorts, DeadPorts {}

/** Everything about notifications: the inbox with its marks and its subscription, and those that could not be sent. */
export function createNotificationSchema(ports: NotificationSchemaPorts): SchemaContributor {
  return (schema) => {
    addInbox(schema, ports);
    addDeadNotifications(schema, ports);
  };
}
