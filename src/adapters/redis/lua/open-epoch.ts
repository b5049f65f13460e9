/**
 * Begins an epoch that is being built: keys as in lock-prelude, but nobody is told of it yet. One that was being built
 * is given up: whoever builds is alone. KEYS[1] the epoch's key; ARGV: the new epoch. Answers the run of the server that
 * it is built in.
 */
export const BUILD_EPOCH = `
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''
local root = string.sub(KEYS[1], 1, -6)
local before = redis.call('GET', root .. 'build')
if before then redis.call('DEL', root .. before .. ':building') end
redis.call('SET', root .. 'build', ARGV[1])
redis.call('SET', root .. ARGV[1] .. ':building', run)
return run
`;

/**
 * Makes a built epoch the current one, unless the server lost anything meanwhile.
 * KEYS[1] the epoch's key; ARGV: the new epoch. Answers 1, or 0 when it has to be built again.
 */
export const OPEN_EPOCH = `
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''
local root = string.sub(KEYS[1], 1, -6)
local building = root .. ARGV[1] .. ':building'
if redis.call('GET', building) ~= run then return 0 end
redis.call('DEL', building, root .. 'build')
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. run)
return 1
`;
