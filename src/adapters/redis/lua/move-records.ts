import { LOCK_FUNCTIONS, LOCK_PRELUDE } from "./lock-prelude.ts";

/**
 * Puts records that are the owner's back under the scope that they were acquired under at first; what it acquired then
 * still names them. ARGV: epoch, owner, model, scope, separator, ids joined.
 */
export const MOVE_RECORDS = `${LOCK_PRELUDE}${LOCK_FUNCTIONS}
local owner, model, scope = ARGV[2], ARGV[3], ARGV[4]
local key = base .. 'records:' .. model
local ids, n = split(ARGV[6], ARGV[5])
local holders = read_holders(key, ids, n)
for at = 1, n do
  local holder = holders[at]
  if holder and string.sub(holder, 1, 36) == owner then
    redis.call('HSET', key, ids[at], owner .. scope)
    redis.call('HINCRBY', base .. 'counts:' .. model, scope, 1)
    redis.call('HINCRBY', base .. 'tally:' .. owner, model .. '\\0' .. scope, 1)
    uncount(owner, model, string.sub(holder, 37), 1)
  end
end
return { 'OK' }
`;
