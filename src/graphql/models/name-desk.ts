import type { BuiltInNames } from "./model-names.ts";

/** A model or an enum, and what the config says of its names. */
export interface NameOwner {
  readonly kind: "Model" | "Enum";
  /** In the Prisma schema. */
  readonly name: string;
  /** The name in GraphQL's letters. */
  readonly plain: string;
  readonly setName: string | undefined;
  readonly setPlural: string | undefined;
  readonly values: readonly string[];
  readonly setValues: Readonly<Record<string, string>>;
}

/** A name in one of GraphQL's three rooms. */
export type Claimed = `${"type" | "query" | "mutation"} ${string}`;

/** The names that are given away so far, and what there is to tell about it. */
export interface NameDesk {
  readonly notices: readonly string[];
  readonly problems: readonly string[];
  /** Who has the first of the names that are not free, in words; undefined if all are free. */
  holderOf(names: readonly Claimed[]): string | undefined;
  give(names: readonly Claimed[], holder: string): void;
  /** Notes a name that is not the usual one. @param option the option that sets another */
  tell(what: string, option: string): void;
  /** Notes a name of the config's that cannot be. */
  refuse(whose: string, option: string, name: string, reason: string): void;
}

/** A desk with the names that the API needs for itself. */
export function createNameDesk({ types, queries, mutations }: BuiltInNames): NameDesk {
  const own = "the API needs it for itself";
  const given = new Map<string, string>([
    ...[...types].map((name) => [`type ${name}`, own] as const),
    ...[...queries].map((name) => [`query ${name}`, own] as const),
    ...[...mutations].map((name) => [`mutation ${name}`, own] as const),
  ]);
  const notices: string[] = [];
  const problems: string[] = [];
  return {
    notices,
    problems,
    holderOf: (names) => names.flatMap((name) => given.get(name) ?? [])[0],
    give(names, holder) {
      for (const name of names.filter((one) => !given.has(one))) {
        given.set(name, holder);
      }
    },
    tell: (what, option) => void notices.push(`${what}. The option ${option} sets another name.`),
    refuse: (whose, option, name, reason) =>
      void problems.push(`${whose}: ${option} cannot be "${name}": ${reason}. Choose another name.`),
  };
}
