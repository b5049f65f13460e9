/** Unicode's replacement character, for characters that cannot be stored. */
const REPLACEMENT = "\uFFFD";

/** Whether PostgreSQL can store the text: it takes neither NUL nor half of a surrogate pair, nor does JSON. */
export function isStorableText(text: string): boolean {
  return !text.includes("\u0000") && !/\p{Surrogate}/u.test(text);
}

/** The text with U+FFFD for every character that PostgreSQL cannot store. */
export function toStorableText(text: string): string {
  return isStorableText(text)
    ? text
    : text.replaceAll("\u0000", REPLACEMENT).replaceAll(/\p{Surrogate}/gu, REPLACEMENT);
}
