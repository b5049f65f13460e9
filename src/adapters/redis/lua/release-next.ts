import { LOCK_FUNCTIONS, LOCK_PRELUDE } from "./lock-prelude.ts";

/**
 * Lets go of the next entry of what the owner acquired, of one model where one is named, or of all: one entry a call,
 * so that no call takes long.
 *
 * ARGV: epoch, owner, model or empty, index of the first entry to look at.
 * Answers OK, and the index at which to go on, or -1 at the end.
 */
export const RELEASE_NEXT = `${LOCK_PRELUDE}${LOCK_FUNCTIONS}
local owner, only, index = ARGV[2], ARGV[3], tonumber(ARGV[4])
local list = base .. 'owned:' .. owner
local entry = redis.call('LINDEX', list, index)
if not entry then
  drop_if_empty(owner)
  return { 'OK', -1 }
end
local parts = split(entry, '\\0')
local model, scope, separator = parts[1], parts[2], parts[3]
if only ~= '' and only ~= model then
  return { 'OK', index + 1 }
end
if separator then
  local ids, n = split(string.sub(entry, #model + #scope + #separator + 4), separator)
  let_go_records(owner, model, ids, n)
else
  let_go_whole(owner, model, scope)
end
redis.call('LREM', list, 1, entry)
return { 'OK', index }
`;
