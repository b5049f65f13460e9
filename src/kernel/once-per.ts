/** The same function, called once for each object: for what never changes about it. */
export function oncePer<Subject extends object, Fact>(
  find: (subject: Subject) => Fact,
): (subject: Subject) => Fact {
  const known = new WeakMap<Subject, { readonly fact: Fact }>();
  return (subject) => {
    let found = known.get(subject);
    if (found === undefined) {
      found = { fact: find(subject) };
      known.set(subject, found);
    }
    return found.fact;
  };
}
