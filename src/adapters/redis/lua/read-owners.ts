import { LOCK_FUNCTIONS, LOCK_PRELUDE } from "./lock-prelude.ts";

/** ARGV: epoch, model, scope, separator, ids joined. Answers OK, and the owner of each id, or an empty text. */
export const READ_OWNERS = `${LOCK_PRELUDE}${LOCK_FUNCTIONS}
local model, scope = ARGV[2], ARGV[3]
local ids, n = split(ARGV[5], ARGV[4])
local owners, whole = {}, ''
for _, held in ipairs(whole_holders(model)) do
  if meets(held[1], scope) then whole = held[2] end
end
local holders = read_holders(base .. 'records:' .. model, ids, n)
for at = 1, n do owners[at] = holders[at] and string.sub(holders[at], 1, 36) or whole end
return { 'OK', owners }
`;
