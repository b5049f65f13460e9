/**
 * What every lock script begins with. The locks of an epoch lie under keys of their own, all in one hash tag:
 *
 * - `epoch` names the current epoch and the server's run that it is good for,
 * - `deployment` names the database whose keys these are, see prefix-owner,
 * - `build` names the epoch that is being built, or was when its builder died,
 * - `<epoch>:building` names the run in which an epoch is being built that is not current yet,
 * - `<epoch>:records:<model>` maps a record's id to its owner (36 characters) and scope,
 * - `<epoch>:wholes:<model>` maps a scope to the owner of the whole model, which takes in its own locks on records,
 * - `<epoch>:counts:<model>` counts the record locks by scope,
 * - `<epoch>:owned:<owner>` lists what the owner acquired, each as model, scope, separator and joined ids, or without
 *   the last two for a whole model; it may name more than the owner still has,
 * - `<epoch>:tally:<owner>` counts what it has, by model and scope,
 * - `<epoch>:owners` holds whoever has anything,
 * - `<epoch>:turns` maps a model to the last turn that was begun at its locks, see lock-turn.
 *
 * KEYS[1] is the epoch's key, ARGV[1] the epoch, the last of ARGV a turn or nothing. A script that finds another one, or another run of the server, which
 * may have lost what was written last, answers LOST and does nothing; one that relies on a turn that is over, STALE.
 */
export const LOCK_PRELUDE = `
local base = string.sub(KEYS[1], 1, -6) .. ARGV[1] .. ':'
local function run_id()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''
end
if redis.call('GET', KEYS[1]) ~= ARGV[1] .. ' ' .. run_id()
    and redis.call('GET', base .. 'building') ~= run_id() then
  return { 'LOST' }
end
local turn = {}
for part in string.gmatch(ARGV[#ARGV], '[^%z]+') do turn[#turn + 1] = part end
for at = 3, #turn do
  if turn[1] == 'begin' then
    redis.call('HSET', base .. 'turns', turn[at], turn[2])
  elseif redis.call('HGET', base .. 'turns', turn[at]) ~= turn[2] then
    return { 'STALE' }
  end
end
`;

/** Functions that several scripts share. */
export const LOCK_FUNCTIONS = `
local STEP = 3000
local function split(text, separator)
  local ids, n, from = {}, 0, 1
  while true do
    local at = string.find(text, separator, from, true)
    n = n + 1
    ids[n] = string.sub(text, from, at and at - 1)
    if not at then return ids, n end
    from = at + #separator
  end
end
local function read_holders(key, ids, n)
  local holders = {}
  for first = 1, n, STEP do
    local part = redis.call('HMGET', key, unpack(ids, first, math.min(first + STEP - 1, n)))
    for at = 1, #part do holders[first + at - 1] = part[at] end
  end
  return holders
end
local function meets(a, b)
  return a == '' or b == '' or a == b
end
local function whole_holders(model)
  local flat, holders = redis.call('HGETALL', base .. 'wholes:' .. model), {}
  for at = 1, #flat, 2 do holders[#holders + 1] = { flat[at], flat[at + 1] } end
  return holders
end
local function takes_in(wholes, owner, scope)
  for _, held in ipairs(wholes) do
    if held[2] == owner and (held[1] == '' or held[1] == scope) then return true end
  end
  return false
end
local function drop_if_empty(owner)
  if redis.call('HLEN', base .. 'tally:' .. owner) == 0 then
    redis.call('SREM', base .. 'owners', owner)
    redis.call('DEL', base .. 'owned:' .. owner)
  end
end
local function add_tally(owner, field, count)
  if redis.call('HINCRBY', base .. 'tally:' .. owner, field, count) <= 0 then
    redis.call('HDEL', base .. 'tally:' .. owner, field)
  end
end
local function uncount(owner, model, scope, count)
  if redis.call('HINCRBY', base .. 'counts:' .. model, scope, -count) <= 0 then
    redis.call('HDEL', base .. 'counts:' .. model, scope)
  end
  add_tally(owner, model .. '\\0' .. scope, -count)
end
local function let_go_records(owner, model, ids, n)
  local key = base .. 'records:' .. model
  local holders = read_holders(key, ids, n)
  local own, by_scope = {}, {}
  for at = 1, n do
    local holder = holders[at]
    if holder and string.sub(holder, 1, 36) == owner then
      own[#own + 1] = ids[at]
      local scope = string.sub(holder, 37)
      by_scope[scope] = (by_scope[scope] or 0) + 1
    end
  end
  for first = 1, #own, STEP do
    redis.call('HDEL', key, unpack(own, first, math.min(first + STEP - 1, #own)))
  end
  for scope, count in pairs(by_scope) do
    uncount(owner, model, scope, count)
  end
end
local function let_go_whole(owner, model, scope)
  if redis.call('HGET', base .. 'wholes:' .. model, scope) == owner then
    redis.call('HDEL', base .. 'wholes:' .. model, scope)
    add_tally(owner, model .. '\\0' .. scope .. '\\0*', -1)
  end
end
`;
