import { describe, expect, it } from "vitest";
import { runProgram } from "../../../../src/adapters/embedded/run-program.ts";

describe("running a program", () => {
  it("returns the whole output, even if many run at once", async () => {
    const outputs = await Promise.all(
      Array.from({ length: 40 }, () => runProgram("/bin/sh", ["-c", "printf 0123456789"])),
    );
    expect(new Set(outputs)).toEqual(new Set(["0123456789"]));
  });

  it("does not wait for processes that the program leaves behind", async () => {
    // The sleeper keeps the pipe open far longer than this test may take.
    await expect(runProgram("/bin/sh", ["-c", "echo started; sleep 30 &"])).resolves.toBe("started\n");
  });

  it("fails with the program's output", async () => {
    await expect(runProgram("/bin/sh", ["-c", "echo no >&2; exit 3"])).rejects.toThrow(
      "/bin/sh ended with 3: no",
    );
  });
});
