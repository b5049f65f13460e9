/** A line of a schema, apart from its string literals: code, and the comment behind it. */
interface Line {
  readonly code: string;
  readonly comment: string;
}

/** Up to the comment; a string literal may have slashes in it. */
const CODE = /^(?:"(?:[^"\\]|\\.)*"|(?!\/[/*])[^"])*/;
const ANNOTATION = /(?:^|[\s/*])@powercrud\b/i;

/**
 * The annotations (`@powercrud(…)`) that Prisma drops, with what is wrong about each: in comments of two slashes or in
 * blocks, and in comments that stand neither over nor behind what they could describe. What they were to hide would be
 * shown.
 */
export function lostAnnotations(text: string): readonly string[] {
  const lines = text.split("\n").map((line): Line => {
    const [code = ""] = CODE.exec(line) ?? [];
    return { code: code.trim(), comment: line.slice(code.length).trim() };
  });
  return lines.flatMap(({ code, comment }, at) => {
    if (!ANNOTATION.test(comment) && !/^@powercrud\b/i.test(code)) {
      return [];
    }
    if (!comment.startsWith("///")) {
      return [`"${comment || code}" needs three slashes: /// @powercrud(…).`];
    }
    return (code === "" ? isModel(nextCode(lines, at)) || isField(nextCode(lines, at)) : isField(code))
      ? []
      : [
          `"${[code, comment].filter((part) => part !== "").join(" ")}" belongs over the model or the field, or behind the field.`,
        ];
  });
}

function isModel(code: string): boolean {
  return /^(?:model|view)\s.*\{$/.test(code);
}

/** Whether the line has a field with its type. */
function isField(code: string): boolean {
  return /^\w+\s+\w/.test(code) && !code.endsWith("{");
}

function nextCode(lines: readonly Line[], after: number): string {
  return lines.slice(after + 1).find(({ code }) => code !== "")?.code ?? "";
}
