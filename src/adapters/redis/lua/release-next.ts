import { LOCK_FUNCTIONS, LOCK_PRELUDE } from "./lock-prelude.ts";

/**
 * Lets go of the next entry of what the owner acquired, of one model where one is named, or of all: one entry a call,
 * so that no call takes long. Where nobody else has records of the model, which the tally and the number of all tell,
 * they go as one, and what is left of the entries has nothing more to let go of: a task's end waits for this.
 *
 * ARGV: epoch, owner, model or empty, index of the first entry to look at.
 * Answers OK, and the index at which to go on, or -1 at the end.
 */
export const RELEASE_NEXT = `${LOCK_PRELUDE}${LOCK_FUNCTIONS}
local function tallied_records(owner, model)
  local flat, fields, count = redis.call('HGETALL', base .. 'tally:' .. owner), {}, 0
  for at = 1, #flat, 2 do
    local parts = split(flat[at], '\\0')
    if parts[1] == model and not parts[3] then
      fields[#fields + 1] = flat[at]
      count = count + tonumber(flat[at + 1])
    end
  end
  return fields, count
end
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
  local fields, count = tallied_records(owner, model)
  if count > 0 and count == redis.call('HLEN', base .. 'records:' .. model) then
    redis.call('UNLINK', base .. 'records:' .. model)
    redis.call('DEL', base .. 'counts:' .. model)
    for _, field in ipairs(fields) do redis.call('HDEL', base .. 'tally:' .. owner, field) end
    if redis.call('HLEN', base .. 'tally:' .. owner) == 0 then
      drop_if_empty(owner)
      return { 'OK', -1 }
    end
  elseif count > 0 then
    local ids, n = split(string.sub(entry, #model + #scope + #separator + 4), separator)
    let_go_records(owner, model, ids, n)
  end
else
  let_go_whole(owner, model, scope)
end
redis.call('LREM', list, 1, entry)
return { 'OK', index }
`;
