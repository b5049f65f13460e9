/** The value below which the given share (0 to 1) of the samples lies. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** The middle of the samples. */
export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** Times in words, in ms: `p50 1.2 ms, p99 3.4 ms`. */
export function inQuantiles(samplesMs: readonly number[]): string {
  return `p50 ${inMs(median(samplesMs))}, p99 ${inMs(quantile(samplesMs, 0.99))}`;
}

/**
 * The middle and the least, in ms: where other programs take the processors, the least comes nearest to what the work
 * itself takes.
 */
export function inMedian(samplesMs: readonly number[]): string {
  return `${inMs(median(samplesMs))} (best ${inMs(quantile(samplesMs, 0))})`;
}

/** With as many digits as mean something. */
export function inMs(ms: number): string {
  return `${ms.toFixed(Math.abs(ms) < 10 ? 2 : Math.abs(ms) < 100 ? 1 : 0)} ms`;
}
