import type { SchemaContributor } from "../builder.ts";
import { addDeadNotifications } from "./dead-notifications.ts";
import { addInbox } from "./inbox-fields.ts";
import type { NotificationSchemaPorts } from "./notification-ports.ts";

/** Everything about notifications: the inbox with its marks and its subscription, and those that could not be sent. */
export function createNotificationSchema(ports: NotificationSchemaPorts): SchemaContributor {
  return (schema) => {
    addInbox(schema, ports);
    addDeadNotifications(schema, ports);
  };
}
