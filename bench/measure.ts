/** One line of the result. */
export interface Measure {
  readonly name: string;
  /** What was measured, in words and figures. */
  readonly value: string;
  /** The bare stack in the same run. */
  readonly floor: string;
  /** value : floor, where the two compare. */
  readonly ratio?: number;
  /** What is to be reached. */
  readonly target: string;
}
