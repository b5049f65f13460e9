/** One line of the result. */
export interface Measure {
  readonly name: string;
  /** The measured value with its unit. */
  readonly value: string;
  /** The bare stack's value in the same run. */
  readonly floor: string;
  /** value : floor, if they can be compared. */
  readonly ratio?: number;
  /** The target of the ratio or value. */
  readonly target: string;
}
