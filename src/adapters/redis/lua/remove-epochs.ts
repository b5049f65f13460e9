import { LOCK_PRELUDE } from "./lock-prelude.ts";

/**
 * Removes what is left of other epochs than the current one and one that is being built, a few keys at a time: large
 * ones are freed in the background. ARGV: epoch, cursor. Answers OK and the next cursor.
 */
export const REMOVE_EPOCHS = `${LOCK_PRELUDE}
local root = string.sub(KEYS[1], 1, -6)
local pattern = string.gsub(root, '[%*%?%[%]\\\\]', '\\\\%0') .. '*'
local page = redis.call('SCAN', ARGV[2], 'MATCH', pattern, 'COUNT', 500)
for _, key in ipairs(page[2]) do
  local epoch = string.match(key, '^([^:]+):', #root + 1)
  if epoch and epoch ~= ARGV[1] and redis.call('GET', root .. epoch .. ':building') ~= run_id() then
    redis.call('UNLINK', key)
  end
end
return { 'OK', page[1] }
`;
