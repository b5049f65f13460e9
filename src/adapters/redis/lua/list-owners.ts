import { LOCK_PRELUDE } from "./lock-prelude.ts";

/** ARGV: epoch. Answers OK, and everybody who has anything. */
export const LIST_OWNERS = `${LOCK_PRELUDE}
return { 'OK', redis.call('SMEMBERS', base .. 'owners') }
`;
