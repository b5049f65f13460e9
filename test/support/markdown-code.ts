/** The code blocks of a Markdown text in one language, in order. */
export function codeBlocks(markdown: string, language: string): readonly string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm");
  return [...markdown.matchAll(fence)].map((match) => match[1] ?? "");
}

/** The part of a Markdown text under a heading of the second level, up to the next one. @throws if there is none */
export function markdownSection(markdown: string, heading: string): string {
  const [, section] =
    new RegExp(`^## ${heading}\\n([\\s\\S]*?)(?=^## |(?![\\s\\S]))`, "m").exec(markdown) ?? [];
  if (section === undefined) {
    throw new Error(`there is no heading "## ${heading}"`);
  }
  return section;
}
