import ts from "typescript";

/** The words of a TypeScript or JavaScript text outside its comments. Camel-case names are split. */
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

/** The same for SQL, with its `--` and C-style comments. The language of a function is no name. */
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
