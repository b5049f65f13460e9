/** The time in ms with fractions, by the same clock as the database on this machine. */
export type WallClock = () => number;

/** Synchronizes with a tick of the system's clock, for a precision below a millisecond. Accurate for some seconds. */
export function readWallClock(): WallClock {
  const before = Date.now();
  let tick = Date.now();
  while (tick === before) {
    tick = Date.now();
  }
  const offset = tick - performance.now();
  return () => offset + performance.now();
}
