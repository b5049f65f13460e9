/** One environment variable: its name, its meaning, and how its text becomes a value. */
export interface Variable<Value> {
  /** As in the environment: `POWERCRUD_LOG_LEVEL`. */
  readonly name: string;
  /** The documentation, in one or two sentences. */
  readonly meaning: string;
  /** The accepted values, as a phrase after "must be": `a whole number from 1 to 16`. */
  readonly expected: string;
  /** The value if the variable is not set. */
  readonly fallback: Value;
  /** The fallback as the documentation shows it. */
  readonly fallbackText: string;
  /** True for a value that may hold a password: no message repeats it. */
  readonly isSecret?: boolean;
  /** Parses a trimmed text that is not empty. @returns undefined if the text is wrong */
  parse(text: string): Value | undefined;
}

/** Variables by the names of their values in the config. */
export type Variables = Readonly<Record<string, Variable<unknown>>>;

/** The config that the variables make. */
export type ConfigOf<Table extends Variables> = {
  readonly [Name in keyof Table]: Table[Name] extends Variable<infer Value> ? Value : never;
};

type Described<Value> = Pick<Variable<Value>, "name" | "meaning" | "fallback">;

/** A whole number within bounds, both inclusive. */
export function wholeNumber(
  options: Described<number> & { readonly min: number; readonly max: number },
): Variable<number> {
  const { min, max, ...described } = options;
  return {
    ...described,
    expected: `a whole number from ${min} to ${max}`,
    fallbackText: String(options.fallback),
    parse(text) {
      const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max ? value : undefined;
    },
  };
}

/** `true` or `false`. */
export function flag(options: Described<boolean>): Variable<boolean> {
  return {
    ...options,
    expected: "true or false",
    fallbackText: String(options.fallback),
    parse: (text) => (text === "true" ? true : text === "false" ? false : undefined),
  };
}

/** One word of a list. */
export function oneOf<Word extends string>(
  options: Described<Word> & { readonly words: readonly Word[] },
): Variable<Word> {
  const { words, ...described } = options;
  return {
    ...described,
    expected: `one of ${words.join(", ")}`,
    fallbackText: options.fallback,
    parse: (text) => words.find((word) => word === text),
  };
}

/** Any text, or one that passes `isValid`. */
export function anyText(
  options: Described<string> &
    Pick<Variable<string>, "expected" | "fallbackText"> & { readonly isValid?: (text: string) => boolean },
): Variable<string> {
  const { isValid = () => true, ...described } = options;
  return { ...described, parse: (text) => (isValid(text) ? text : undefined) };
}

/** A text that passes `isValid`; undefined if it is not set. */
export function optionalText(
  options: DescribedUrl &
    Pick<Variable<string>, "expected"> & { readonly isValid: (text: string) => boolean },
): Variable<string | undefined> {
  const { isValid, ...described } = options;
  return { ...described, fallback: undefined, parse: (text) => (isValid(text) ? text : undefined) };
}

/** The same for a text that may hold a password, and is never shown. */
export function secretText(options: Parameters<typeof optionalText>[0]): Variable<string | undefined> {
  return { ...optionalText(options), isSecret: true };
}

/** Web origins, separated by commas. */
export function origins(options: Pick<Variable<unknown>, "name" | "meaning">): Variable<readonly string[]> {
  return {
    ...options,
    expected: "origins such as https://app.example.com, separated by commas",
    fallback: [],
    fallbackText: "none",
    parse(text) {
      const parsed = text.split(",").map((one) => originOf(one.trim()));
      return parsed.every((one) => one !== undefined) ? parsed : undefined;
    },
  };
}

/** Host names, separated by commas. */
export function hostNames(options: DescribedUrl): Variable<readonly string[]> {
  return {
    ...options,
    expected: "names such as api.example.com, without ports, separated by commas",
    fallback: [],
    parse(text) {
      const names = text.split(",").map((one) => one.trim().toLowerCase());
      return names.every((name) => /^[a-z0-9._-]+$|^\[[0-9a-f:.]+\]$/.test(name)) ? names : undefined;
    },
  };
}

/** The origin as browsers send it: `https://app.example.com` for `HTTPS://App.example.com:443/`. */
export function originOf(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`
    ? url.origin
    : undefined;
}

type DescribedUrl = Pick<Variable<string>, "name" | "meaning" | "fallbackText">;

/** A PostgreSQL connection string, undefined if it is not set. It may hold a password and is never shown. */
export function postgresUrl(options: DescribedUrl): Variable<string | undefined> {
  const expected = "a connection string such as postgresql://user:password@host:5432/database";
  return secretUrl(options, expected, /^postgres(?:ql)?:$/);
}

/** A Redis connection string; like {@link postgresUrl}. */
export function redisUrl(options: DescribedUrl): Variable<string | undefined> {
  return secretUrl(options, "a connection string such as redis://user:password@host:6379/0", /^rediss?:$/);
}

function secretUrl(options: DescribedUrl, expected: string, protocol: RegExp): Variable<string | undefined> {
  return {
    ...options,
    expected,
    fallback: undefined,
    isSecret: true,
    parse: (text) => (URL.canParse(text) && protocol.test(new URL(text).protocol) ? text : undefined),
  };
}

/** The page `docs/configuration.md`: every variable with its default, accepted values and meaning. */
export function describeVariables(variables: Variables): string {
  const rows = Object.values(variables).map(
    ({ name, fallbackText, expected, meaning }) =>
      `| \`${name}\` | ${fallbackText} | ${expected} | ${meaning} |`,
  );
  return [
    "# Configuration",
    "",
    "<!-- Made by `npx powercrud print-config-docs > docs/configuration.md`; a test keeps it fresh. -->",
    "",
    "Settings come from the environment and are read once, at start; the commands also read the project's `.env`,",
    "where a variable that is set already does not count. All problems are reported together, and a variable that",
    "starts with `POWERCRUD_` and is not listed here is refused. Empty counts as not set.",
    "",
    "| variable | default | takes | meaning |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}
