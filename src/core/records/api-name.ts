/** Whether the text can be a name in the API: GraphQL's letters, and not GraphQL's own prefix. */
export function isApiName(text: string): boolean {
  return /^(?!__)[_A-Za-z][_0-9A-Za-z]*$/.test(text);
}

/** Why a text is not one, in words. */
export const NO_API_NAME =
  "a name has letters A to Z, digits and _, and does not begin with a digit or with __";

/**
 * The name in GraphQL's letters: letters lose their accents, and other characters become `u` and their code. Prisma allows
 * letters of every script: `número` → `numero`, `日` → `u65e5`.
 */
export function plainName(name: string): string {
  return name
    .normalize("NFD")
    .replaceAll(/\p{Mark}/gu, "")
    .replaceAll(/[^_0-9A-Za-z]/gu, (character) => `u${character.codePointAt(0)?.toString(16)}`);
}

/** The first of `name`, `name2`, `name3` … that is free. */
export function firstFree(name: string, isFree: (candidate: string) => boolean): string {
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? name : `${name}${number}`;
    if (isFree(candidate)) {
      return candidate;
    }
  }
}
