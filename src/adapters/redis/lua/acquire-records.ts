import { LOCK_FUNCTIONS, LOCK_PRELUDE } from "./lock-prelude.ts";

/**
 * Claims records of one model: all of them, or none where another owner has any, or where told only to look. A record
 * that the owner's hold on the whole model takes in counts as not had under another scope: it moves to that.
 *
 * ARGV: epoch, owner (empty for nobody), model, scope, separator, ids joined, conflicts to list at most (-1 for all),
 * "take" or "look".
 * Answers OK, whether anything was in the way (1 or 0), whether the owner had nothing before, the ids that it had
 * already, the number of conflicts, whole-model conflicts as owners, record conflicts as id and owner in turn, the
 * owners of all of them, and what was moved, as id and the scope before in turn.
 */
export const ACQUIRE_RECORDS = `${LOCK_PRELUDE}${LOCK_FUNCTIONS}
local owner, model, scope, separator = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local max, takes = tonumber(ARGV[7]), ARGV[8] == 'take'
local ids, n = split(ARGV[6], separator)
local wholes, records, seen, owners, total, is_covered = {}, {}, {}, {}, 0, false
local function note(other)
  if not seen[other] then
    seen[other] = true
    owners[#owners + 1] = other
  end
end
local all_wholes = whole_holders(model)
for _, held in ipairs(all_wholes) do
  if held[2] == owner then
    is_covered = is_covered or held[1] == '' or held[1] == scope
  elseif meets(held[1], scope) then
    wholes[#wholes + 1] = held[2]
    total = 1
    note(held[2])
  end
end
local key = base .. 'records:' .. model
local holders = read_holders(key, ids, n)
local had, fresh, moved, moves = {}, {}, {}, {}
for at = 1, n do
  local holder = holders[at]
  if not holder then
    fresh[#fresh + 1] = ids[at]
  else
    local other, other_scope = string.sub(holder, 1, 36), string.sub(holder, 37)
    if other == owner then
      if takes_in(all_wholes, owner, other_scope) and not is_covered then
        fresh[#fresh + 1] = ids[at]
        moved[other_scope] = (moved[other_scope] or 0) + 1
        moves[#moves + 1] = ids[at]
        moves[#moves + 1] = other_scope
      else
        had[#had + 1] = ids[at]
      end
    elseif #wholes == 0 or not takes_in(all_wholes, other, other_scope) then
      total = total + 1
      note(other)
      if max < 0 or #records < 2 * max then
        records[#records + 1] = ids[at]
        records[#records + 1] = other
      end
    end
  end
end
local is_new = redis.call('SISMEMBER', base .. 'owners', owner) == 0 and 1 or 0
if total > 0 then
  return { 'OK', 1, is_new, is_covered and ids or had, total, wholes, records, owners }
end
if takes and not is_covered and #fresh > 0 then
  local value = owner .. scope
  for first = 1, #fresh, STEP do
    local pairs_of, k = {}, 0
    for at = first, math.min(first + STEP - 1, #fresh) do
      pairs_of[k + 1] = fresh[at]
      pairs_of[k + 2] = value
      k = k + 2
    end
    redis.call('HSET', key, unpack(pairs_of))
  end
  for from, count in pairs(moved) do uncount(owner, model, from, count) end
  redis.call('HINCRBY', base .. 'counts:' .. model, scope, #fresh)
  redis.call('HINCRBY', base .. 'tally:' .. owner, model .. '\\0' .. scope, #fresh)
  local joined = #had == 0 and ARGV[6] or table.concat(fresh, separator)
  redis.call('RPUSH', base .. 'owned:' .. owner, model .. '\\0' .. scope .. '\\0' .. separator .. '\\0' .. joined)
  redis.call('SADD', base .. 'owners', owner)
end
return { 'OK', 0, is_new, is_covered and ids or had, 0, {}, {}, {}, moves }
`;
