import { lineEndOf } from "./schema-blocks.ts";

/** The lines of `.env.example`: a setting each, with its meaning. */
const SETTINGS: readonly (readonly [name: string, example: string, meaning: string])[] = [
  [
    "DATABASE_URL",
    "postgresql://user:password@localhost:5432/shop",
    "Your PostgreSQL. Without it an embedded one is started, in .powercrud/",
  ],
  [
    "REDIS_URL",
    "redis://localhost:6379",
    "For queue and messages of many processes. Without it they are in PostgreSQL",
  ],
  ["HOST", "127.0.0.1", "The address to listen on"],
  ["PORT", "4000", "The port to listen on"],
];
const HEAD = "# powercrud-graphql; all settings: node_modules/powercrud-graphql/docs/configuration.md";

/** Adds the settings that a `.env.example` does not mention, as comments. @param text undefined if there is none */
export function completeExample(text: string | undefined): string {
  const missing = SETTINGS.filter(
    ([name]) => !new RegExp(`^[#\\s]*(?:export\\s+)?${name}\\s*=`, "m").test(text ?? ""),
  );
  const lines = missing.flatMap(([name, example, meaning]) => [`# ${meaning}.`, `# ${name}=${example}`]);
  return missing.length === 0 ? (text ?? "") : appendLines(text, [HEAD, ...lines]);
}

/** Whether a `.env` gives a variable a value. */
export function definesVariable(text: string | undefined, name: string): boolean {
  return new RegExp(`^\\s*(?:export\\s+)?${name}\\s*=\\s*[^\\s#]`, "m").test(text ?? "");
}

/** Appends lines to a text, after an empty line. */
export function appendLines(text: string | undefined, lines: readonly string[]): string {
  const eol = lineEndOf(text ?? "");
  const before =
    text === undefined || text.trim() === "" ? "" : `${text.replace(/(?:\r?\n)*$/, "")}${eol}${eol}`;
  return `${before}${lines.join(eol)}${eol}`;
}

/** A connection string without its password, for the terminal. */
export function hidePassword(text: string): string {
  return text.replaceAll(/(\/\/[^:@/\s]*:)[^@/\s]+@/g, "$1***@");
}
