/** The time of the day in ms with fractions, as the database on the same machine tells it. */
export type WallClock = () => number;

/** Reads the system's clock at its tick, so that it is known to better than a millisecond. Good for some seconds. */
export function readWallClock(): WallClock {
  const before = Date.now();
  let tick = Date.now();
  while (tick === before) {
    tick = Date.now();
  }
  const offset = tick - performance.now();
  return () => offset + performance.now();
}
