import { LOCK_FUNCTIONS, LOCK_PRELUDE } from "./lock-prelude.ts";

/** Lets go of a whole model that is the owner's. ARGV: epoch, owner, model, scope. */
export const RELEASE_WHOLE = `${LOCK_PRELUDE}${LOCK_FUNCTIONS}
let_go_whole(ARGV[2], ARGV[3], ARGV[4])
redis.call('LREM', base .. 'owned:' .. ARGV[2], 1, ARGV[3] .. '\\0' .. ARGV[4])
drop_if_empty(ARGV[2])
return { 'OK' }
`;
