import type { Json } from "../../kernel/json.ts";

/** NOTIFY, the narrowest carrier, takes less than 8,000 bytes with everything. */
const MAX_MESSAGE_BYTES = 7_000;
/** As long as an identifier of PostgreSQL, which would be cut. */
const TOPIC = /^[a-z_]{1,63}$/;

/** The topic itself. @throws RangeError when no bus takes it */
export function checkBusTopic(topic: string): string {
  if (!TOPIC.test(topic)) {
    throw new RangeError(`"${topic}" is not a topic: expected 1 to 63 lower case letters and underscores`);
  }
  return topic;
}

/** The message as text. @throws RangeError when it is too large for a bus */
export function encodeBusMessage(message: Json): string {
  const json = JSON.stringify(message);
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_MESSAGE_BYTES) {
    throw new RangeError(
      `a message of ${bytes} bytes is too large for the bus: ${MAX_MESSAGE_BYTES} are allowed`,
    );
  }
  return json;
}
