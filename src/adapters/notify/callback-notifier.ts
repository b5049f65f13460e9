import type { Notifier } from "../../core/notifications/notifier.ts";
import type { NotifyCallback } from "../../core/notifications/notify-config.ts";

/** Calls functions of the config. */
export function createCallbackNotifier(callbacks: Readonly<Record<string, NotifyCallback>>): Notifier {
  return {
    async send(notification, signal) {
      const name = notification.target;
      const callback = Object.hasOwn(callbacks, name) ? callbacks[name] : undefined;
      if (callback === undefined) {
        return {
          kind: "FAILED",
          error: `The config of this process has no callback ${JSON.stringify(name)}.`,
        };
      }
      await callback(notification, { signal });
      return { kind: "SENT" };
    },
    close: () => undefined,
  };
}
