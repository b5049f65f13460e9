/** The members of an input that say something: a null stands for what was left out. */
export function givenMembers<T extends object>(members: T): T {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== null && value !== undefined),
  ) as T;
}
