import ts from "typescript";

/** Every word that a TypeScript or JavaScript text says outside its comments: names and texts, split at their humps. */
export function wordsInScript(file: string, text: string): Set<string> {
  const words = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) {
      addWords(words, ts.idText(node));
    } else if (
      ts.isLiteralExpression(node) ||
      ts.isTemplateHead(node) ||
      ts.isTemplateMiddleOrTemplateTail(node)
    ) {
      addWords(words, node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest));
  return words;
}

/** The same for SQL, whose comments are `-- …` and C-style ones; the keyword before a function's language is no name. */
export function wordsInSql(text: string): Set<string> {
  const words = new Set<string>();
  addWords(words, text.replaceAll(/--.*$|\/\*[\s\S]*?\*\/|\bLANGUAGE\s+(?:plpgsql|sql)\b/gim, " "));
  return words;
}

function addWords(words: Set<string>, text: string): void {
  const parts = text.replaceAll(/(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, " ").split(/[^A-Za-z\d]+/);
  for (const part of parts) {
    words.add(part.toLowerCase());
  }
}
