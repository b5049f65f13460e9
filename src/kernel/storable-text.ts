/** In the place of what cannot be kept: Unicode's replacement character. */
const REPLACEMENT = "\uFFFD";

/** Whether PostgreSQL can keep the text: it takes neither NUL nor half of a surrogate pair, in JSON neither. */
export function isStorableText(text: string): boolean {
  return !text.includes("\u0000") && !/\p{Surrogate}/u.test(text);
}

/** The text as near as PostgreSQL can keep it: with U+FFFD for every NUL and every half of a surrogate pair. */
export function toStorableText(text: string): string {
  return isStorableText(text)
    ? text
    : text.replaceAll("\u0000", REPLACEMENT).replaceAll(/\p{Surrogate}/gu, REPLACEMENT);
}
