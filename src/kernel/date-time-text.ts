/** RFC 3339. Seconds may be left out; the offset may not, since a time without one depends on the machine. */
const PATTERN =
  /^(\d{4})-(\d{2})-(\d{2})T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)$/i;

/** The form that {@link parseDateTime} takes, in words. */
export const DATE_TIME_FORM =
  "a date and time in ISO 8601 with its offset, in the years 1 to 9999 of UTC, such as 2026-01-31T12:00:00Z";

/** Parses a date and time, to the millisecond; undefined if the text is not of that form. */
export function parseDateTime(text: string): Date | undefined {
  const match = PATTERN.exec(text);
  if (match === null) {
    return undefined;
  }
  const [, year, month, day] = match.map(Number);
  const date = new Date(text.toUpperCase());
  // Date.parse turns 31 February into 3 March; refuse it instead.
  const lastDay = new Date(Date.UTC(year ?? 0, month ?? 0, 0)).getUTCDate();
  return (day ?? 0) <= lastDay && isInFourDigits(date) ? date : undefined;
}

/** Whether the year has four digits in UTC, as the database and JSON need it: an offset can lead out of them. */
function isInFourDigits(date: Date): boolean {
  const year = date.getUTCFullYear();
  return year >= 1 && year <= 9999;
}
