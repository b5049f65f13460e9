import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { diffText } from "../../../src/project/diff-text.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const BEFORE = Array.from({ length: 30 }, (_, index) => `line ${index}`);

describe("the diff of a change", () => {
  it("shows the changed lines with three around them", () => {
    const after = BEFORE.toSpliced(20, 1, "twenty", "more").toSpliced(2, 0, "new");
    expect(diffText({ path: "a.txt", before: BEFORE.join("\n"), after: after.join("\n") })).toBe(
      [
        "--- a/a.txt",
        "+++ b/a.txt",
        "@@ -1,5 +1,6 @@",
        " line 0",
        " line 1",
        "+new",
        " line 2",
        " line 3",
        " line 4",
        "@@ -18,7 +19,8 @@",
        " line 17",
        " line 18",
        " line 19",
        "-line 20",
        "+twenty",
        "+more",
        " line 21",
        " line 22",
        " line 23",
      ].join("\n"),
    );
  });

  it("shows a new file as added", () => {
    expect(diffText({ path: "b.txt", before: undefined, after: "x\ny\n" })).toBe(
      "--- /dev/null\n+++ b/b.txt\n@@ -0,0 +1,2 @@\n+x\n+y",
    );
  });

  it("can be applied by patch", async () => {
    const folder = await createTemporaryFolder("diff");
    const before = `${BEFORE.join("\n")}\n`;
    const after = `${BEFORE.filter((_, index) => index % 9 !== 4)
      .flatMap((line, index) => (index % 11 === 5 ? [line, "added", line] : [line]))
      .join("\n")}\n`;
    writeFileSync(join(folder.path, "a.txt"), before);
    writeFileSync(join(folder.path, "a.patch"), `${diffText({ path: "a.txt", before, after })}\n`);
    execFileSync("git", ["apply", "a.patch"], { cwd: folder.path });
    expect(execFileSync("cat", [join(folder.path, "a.txt")], { encoding: "utf8" })).toBe(after);
    await folder.remove();
  });
});
