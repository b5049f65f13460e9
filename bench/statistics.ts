/** The value below which the given share (0 to 1) of the samples lies. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** The median of the samples. */
export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** The times as text: `p50 1.2 ms, p99 3.4 ms`. */
export function inQuantiles(samplesMs: readonly number[]): string {
  return `p50 ${inMs(median(samplesMs))}, p99 ${inMs(quantile(samplesMs, 0.99))}`;
}

/**
 * Median and minimum in ms. On a machine that is busy with other programs, the minimum is closest to the time of the work
 * itself.
 */
export function inMedian(samplesMs: readonly number[]): string {
  return `${inMs(median(samplesMs))} (best ${inMs(quantile(samplesMs, 0))})`;
}

/** Rounds to the significant digits. */
export function inMs(ms: number): string {
  return `${ms.toFixed(Math.abs(ms) < 10 ? 2 : Math.abs(ms) < 100 ? 1 : 0)} ms`;
}
