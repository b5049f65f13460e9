import { LOCK_FUNCTIONS, LOCK_PRELUDE } from "./lock-prelude.ts";

/**
 * ARGV: epoch, model, cursor. Answers OK, the next cursor, and ids with owners and scopes in turn, those left out that a
 * lock on the whole model takes in.
 */
export const SCAN_RECORDS = `${LOCK_PRELUDE}${LOCK_FUNCTIONS}
local page = redis.call('HSCAN', base .. 'records:' .. ARGV[2], ARGV[3], 'COUNT', 5000)
local wholes, seen = whole_holders(ARGV[2]), {}
for at = 1, #page[2], 2 do
  local holder = page[2][at + 1]
  if not takes_in(wholes, string.sub(holder, 1, 36), string.sub(holder, 37)) then
    seen[#seen + 1] = page[2][at]
    seen[#seen + 1] = holder
  end
end
return { 'OK', page[1], seen }
`;
