import { PassThrough } from "node:stream";

import { describe, expect, it } from "vitest";

import { createInitDisplay } from "../../../src/cli/init-display.ts";

/** Shows one of each in a terminal, and gives the lines that were printed and what was written to the terminal. */
async function showAll(
  env: Readonly<Record<string, string>>,
  isTTY = true,
): Promise<{ lines: readonly string[]; written: string }> {
  const stream = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY, columns: 80 });
  const lines: string[] = [];
  const display = await createInitDisplay({ stream, env, print: (line) => void lines.push(line) });
  display.begin("init");
  await display.step("write a.txt", async () => "wrote a.txt");
  display.show("Files", "new a.txt\nnew b.txt");
  display.warn("a\nb");
  display.end("done");
  return { lines, written: (stream.read() as string | null) ?? "" };
}

const PLAIN = [
  "init",
  "- write a.txt",
  "  wrote a.txt",
  "Files:",
  "new a.txt",
  "new b.txt",
  "! a",
  "! b",
  "done",
];

describe("what init shows", () => {
  it("is plain lines in a script and with CI", async () => {
    expect(await showAll({}, false)).toEqual({ lines: PLAIN, written: "" });
    expect(await showAll({ CI: "true" })).toEqual({ lines: PLAIN, written: "" });
  });

  it("moves in a terminal, where texts can still be copied line by line", async () => {
    const { lines, written } = await showAll({ CI: "false" });
    expect(lines).toEqual([]);
    expect(written).toContain("\nnew a.txt\nnew b.txt\n");
    expect(written).toContain("wrote a.txt");
  });

  it("asks nothing where nobody can answer, and reports the failure of a step", async () => {
    const display = await createInitDisplay({ stream: new PassThrough(), env: {}, print: () => undefined });
    expect(await display.confirm("Make these changes?")).toBe(true);
    await expect(display.step("fail", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  });
});
