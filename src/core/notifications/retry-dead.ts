import type { Clock } from "../../kernel/clock.ts";
import type { EventBus } from "../events/event-bus.ts";
import { publishNotifications } from "./announcement.ts";
import type { DeadQuery, Outbox } from "./outbox.ts";

/** What trying dead notifications again needs. */
export interface RetryDeadPorts {
  readonly outbox: Pick<Outbox, "revive">;
  readonly bus: Pick<EventBus, "publish">;
  readonly clock: Clock;
}

/**
 * Has dead notifications tried again, at once and with all their tries before them.
 * @param query.ids undefined for all
 * @returns the ids of those that were dead
 */
export async function retryDead(
  { outbox, bus, clock }: RetryDeadPorts,
  query: DeadQuery & { readonly ids?: readonly string[] },
): Promise<readonly string[]> {
  const ids = await outbox.revive({ ...query, at: clock.now() });
  if (ids.length > 0) {
    // Without the message, the sweeper wakes the senders.
    await publishNotifications(bus, { isInbox: false, isOutbox: true }).catch(() => undefined);
  }
  return ids;
}
