/** The due times of one cron expression in one time zone. */
export interface CronTimes {
  /** The first due time after that moment; null if there is none any more. */
  nextAfter(moment: Date): Date | null;
}

/** Reads cron expressions. */
export interface Cron {
  /** @returns the due times, or what is wrong with the expression or the time zone, in words for the config's author */
  read(expression: string, timeZone: string): CronReading;
  /** The expression in English, such as "At 03:00"; the expression itself where there are no words for it. */
  inWords(expression: string): string;
}

/** What {@link Cron.read} returns. */
export type CronReading =
  | { readonly kind: "TIMES"; readonly times: CronTimes }
  /** `isZone`: the time zone is wrong, not the expression. */
  | { readonly kind: "WRONG"; readonly problem: string; readonly isZone: boolean };
