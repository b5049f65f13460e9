import type { Redis } from "ioredis";

/**
 * Calls `act` each time that the connection is there after it was lost, or could not be made at first: once for each
 * outage, however often it was tried meanwhile. For as long as the client lives.
 */
export function whenRedisReturns(client: Pick<Redis, "on">, act: () => void): void {
  let wasAway = false;
  // Every failed try to connect ends in a `close` of its own.
  client.on("close", () => void (wasAway = true));
  client.on("ready", () => {
    if (wasAway) {
      wasAway = false;
      act();
    }
  });
}
