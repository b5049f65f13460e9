/** Writes a key that goes by itself, in the way of the locks' scripts. KEYS[1] the key. */
export const TRY_WRITE = `
redis.call('INFO', 'server')
redis.call('SET', KEYS[1], '1', 'PX', 10000)
return 1
`;
