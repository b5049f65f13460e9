/** Whether PostgreSQL can keep the text: it takes neither NUL nor half of a surrogate pair, in JSON neither. */
export function isStorableText(text: string): boolean {
  return !text.includes("\u0000") && !/\p{Surrogate}/u.test(text);
}
