import { LOCK_FUNCTIONS, LOCK_PRELUDE } from "./lock-prelude.ts";

/**
 * ARGV: epoch, owner, index of an entry.
 * Answers OK alone at the end of the entries; else model, scope, and "all", or the ids that it still has.
 */
export const READ_OWNED = `${LOCK_PRELUDE}${LOCK_FUNCTIONS}
local owner = ARGV[2]
local entry = redis.call('LINDEX', base .. 'owned:' .. owner, ARGV[3])
if not entry then return { 'OK' } end
local parts = split(entry, '\\0')
local model, scope, separator = parts[1], parts[2], parts[3]
if not separator then
  local held = redis.call('HGET', base .. 'wholes:' .. model, scope) == owner
  return { 'OK', model, scope, held and 'all' or {} }
end
local ids, n = split(string.sub(entry, #model + #scope + #separator + 4), separator)
local holders = read_holders(base .. 'records:' .. model, ids, n)
local own = {}
for at = 1, n do
  if holders[at] == owner .. scope then own[#own + 1] = ids[at] end
end
return { 'OK', model, scope, own }
`;
