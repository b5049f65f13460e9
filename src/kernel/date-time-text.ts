/** RFC 3339. Seconds may be left out; the offset may not, since a time without one depends on the machine. */
const PATTERN =
  /^(\d{4})-(\d{2})-(\d{2})T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)$/i;

/** The form that {@link parseDateTime} takes, in words. */
export const DATE_TIME_FORM =
  "a date and time in ISO 8601 with its offset, in the years 1 to 9999 of UTC, such as 2026-01-31T12:00:00Z";

/** Parses a date and time, to the millisecond; undefined if the text is not of that form. */
function parseDateTime(text: string): Date | undefined {
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

/** The part of a moment that a text can be instead: columns of days and of times of day hold no more. */
export type MomentPart = "DAY" | "TIME";

const PARTS: Readonly<Record<MomentPart, { readonly pattern: RegExp; whole(text: string): string }>> = {
  DAY: { pattern: /^\d{4}-\d{2}-\d{2}$/, whole: (text) => `${text}T00:00:00Z` },
  TIME: {
    pattern: /^\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?$/,
    whole: (text) => `1970-01-01T${text}Z`,
  },
};

/** Which part of a moment the text is, such as `2026-01-31` or `12:00:00` in UTC; undefined for a whole one. */
export function momentPartOf(text: string): MomentPart | undefined {
  return (["DAY", "TIME"] as const).find((part) => PARTS[part].pattern.test(text));
}

/** Parses a date and time, or a part of it: a day begins at midnight UTC, and a time is on 1 January 1970. */
export function parseMoment(text: string): Date | undefined {
  const part = momentPartOf(text);
  return parseDateTime(part === undefined ? text : PARTS[part].whole(text));
}

/** The same for a text that was checked before, in ISO 8601. */
export function isoMoment(text: string): string {
  return (parseMoment(text) ?? new Date(text)).toISOString();
}

/** The same with all digits of its seconds, of which the database keeps six; a part of a moment has milliseconds. */
export function exactMoment(text: string): string {
  const [, digits = ""] = /\.\d{3}(\d+)(?:Z|[+-])/i.exec(text) ?? [];
  return digits === "" ? isoMoment(text) : isoMoment(text).replace("Z", `${digits}Z`);
}

/** Whether the year has four digits in UTC, as the database and JSON need it: an offset can lead out of them. */
function isInFourDigits(date: Date): boolean {
  const year = date.getUTCFullYear();
  return year >= 1 && year <= 9999;
}
