import { LOCK_FUNCTIONS, LOCK_PRELUDE } from "./lock-prelude.ts";

/** Lets go of records that are the owner's. ARGV: epoch, owner, model, separator, ids joined. */
export const RELEASE_RECORDS = `${LOCK_PRELUDE}${LOCK_FUNCTIONS}
local ids, n = split(ARGV[5], ARGV[4])
let_go_records(ARGV[2], ARGV[3], ids, n)
drop_if_empty(ARGV[2])
return { 'OK' }
`;
