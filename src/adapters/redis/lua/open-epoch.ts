/**
 * Begins an epoch that is being built: keys as in lock-prelude, but nobody is told of it yet.
 * KEYS[1] the epoch's key; ARGV: the new epoch. Answers the run of the server that it is built in.
 */
export const BUILD_EPOCH = `
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''
redis.call('SET', string.sub(KEYS[1], 1, -6) .. ARGV[1] .. ':building', run)
return run
`;

/**
 * Makes a built epoch the current one, unless the server lost anything meanwhile.
 * KEYS[1] the epoch's key; ARGV: the new epoch. Answers 1, or 0 when it has to be built again.
 */
export const OPEN_EPOCH = `
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''
local building = string.sub(KEYS[1], 1, -6) .. ARGV[1] .. ':building'
if redis.call('GET', building) ~= run then return 0 end
redis.call('DEL', building)
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. run)
return 1
`;
