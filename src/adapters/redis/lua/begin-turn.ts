import { LOCK_PRELUDE } from "./lock-prelude.ts";

/** Only signs for a turn. ARGV: epoch, turn. */
export const BEGIN_TURN = `${LOCK_PRELUDE}
return { 'OK' }
`;
