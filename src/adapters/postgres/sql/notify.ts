/** $1 channels, $2 payloads: one transaction for a batch, notified in order. */
export const NOTIFY =
  "SELECT pg_notify(n.channel, n.payload) FROM unnest($1::text[], $2::text[]) AS n(channel, payload)";
