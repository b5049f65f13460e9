/** The targets of a Markdown text's links and images, without those in code. */
export function linkTargets(markdown: string): string[] {
  const prose = withoutCode(markdown);
  const inline = prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g);
  const references = prose.matchAll(/^\s{0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)/gm);
  const html = prose.matchAll(/<(?:a|img)\s[^>]*?(?:href|src)="([^"]+)"/g);
  return [...inline, ...references, ...html].map((match) => match[1] ?? "");
}

/** The anchors of a Markdown text's headings, as GitHub makes them. */
export function headingAnchors(markdown: string): string[] {
  const seen = new Map<string, number>();
  const headings = [...withoutFences(markdown).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)];
  return headings.map((match) => {
    const slug = (match[1] ?? "")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-");
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  });
}

function withoutFences(markdown: string): string {
  return markdown.replaceAll(/^(\s*)(`{3,}|~{3,})[\s\S]*?^\s*\2.*$/gm, "");
}

function withoutCode(markdown: string): string {
  return withoutFences(markdown).replaceAll(/`[^`\n]*`/g, "");
}
