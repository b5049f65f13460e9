import { LOCK_FUNCTIONS, LOCK_PRELUDE } from "./lock-prelude.ts";

/**
 * Claims a whole model for a scope, unless another owner has it, or a record of it, in a scope that meets this one.
 *
 * ARGV: epoch, owner (empty for nobody), model, scope, "take" or "look".
 * Answers OK, whether anything was in the way, whether the owner had nothing before, whether it had this already,
 * whole-model conflicts as owners, and the number of records in the way.
 */
export const ACQUIRE_WHOLE = `${LOCK_PRELUDE}${LOCK_FUNCTIONS}
local owner, model, scope, takes = ARGV[2], ARGV[3], ARGV[4], ARGV[5] == 'take'
local wholes, had, all_wholes = {}, 0, whole_holders(model)
for _, held in ipairs(all_wholes) do
  if held[2] == owner then
    if held[1] == '' or held[1] == scope then had = 1 end
  elseif meets(held[1], scope) then
    wholes[#wholes + 1] = held[2]
  end
end
local records, counts = 0, redis.call('HGETALL', base .. 'counts:' .. model)
for at = 1, #counts, 2 do
  if meets(counts[at], scope) then
    local field = model .. '\\0' .. counts[at]
    local own = redis.call('HGET', base .. 'tally:' .. owner, field)
    records = records + tonumber(counts[at + 1]) - tonumber(own or 0)
    local counted = { [owner] = true }
    for _, held in ipairs(all_wholes) do
      if not counted[held[2]] and takes_in(all_wholes, held[2], counts[at]) then
        counted[held[2]] = true
        records = records - tonumber(redis.call('HGET', base .. 'tally:' .. held[2], field) or 0)
      end
    end
  end
end
local is_new = redis.call('SISMEMBER', base .. 'owners', owner) == 0 and 1 or 0
if #wholes > 0 or records > 0 then
  return { 'OK', 1, is_new, had, wholes, records }
end
if takes and had == 0 then
  redis.call('HSET', base .. 'wholes:' .. model, scope, owner)
  redis.call('HINCRBY', base .. 'tally:' .. owner, model .. '\\0' .. scope .. '\\0*', 1)
  redis.call('RPUSH', base .. 'owned:' .. owner, model .. '\\0' .. scope)
  redis.call('SADD', base .. 'owners', owner)
end
return { 'OK', 0, is_new, had, {}, 0 }
`;
