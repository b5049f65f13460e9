/** One environment variable: how it is called, what it means, and how its text becomes a value. */
export interface Variable<Value> {
  /** As in the environment: `POWERCRUD_LOG_LEVEL`. */
  readonly name: string;
  /** What it decides, in one or two sentences; goes into the documentation. */
  readonly meaning: string;
  /** What would be right, to end "… must be": `a whole number from 1 to 16`. */
  readonly expected: string;
  /** The value where the variable is not set. */
  readonly fallback: Value;
  /** The fallback as the documentation shows it. */
  readonly fallbackText: string;
  /** True: what was given is never repeated in a message, since it may hold a password. */
  readonly isSecret?: boolean;
  /** The value of the text, or undefined where the text is wrong. The text is trimmed and not empty. */
  parse(text: string): Value | undefined;
}

/** Variables by the names that their values have in the config. */
export type Variables = Readonly<Record<string, Variable<unknown>>>;

/** The config that the variables make. */
export type ConfigOf<Table extends Variables> = {
  readonly [Name in keyof Table]: Table[Name] extends Variable<infer Value> ? Value : never;
};
