import { Writable } from "node:stream";

import { expect, test } from "vitest";

import type { ProgressDisplay } from "../../../src/cli/show-progress.ts";
import { showProgress } from "../../../src/cli/show-progress.ts";

/** A display without a terminal, and the lines that it has said. */
function plainDisplay(title: string, unit?: string): { display: ProgressDisplay; lines: string[] } {
  const lines: string[] = [];
  const stream = { isTTY: false } as NodeJS.WriteStream;
  return { display: showProgress(stream, (line) => lines.push(line), title, unit), lines };
}

test("without a terminal, a few lines are written, however many updates there are", () => {
  const { display, lines } = plainDisplay("seeding", " records");
  for (let done = 0; done <= 1000; done += 1) {
    display.update({ done, total: 1000 });
  }
  display.end();
  expect(lines).toEqual([0, 200, 400, 600, 800, 1000].map((count) => `seeding: ${count} of 1000 records`));
});

test("a total of zero is shown without a division by zero", () => {
  const { display, lines } = plainDisplay("seeding", " records");
  display.update({ done: 0, total: 0 });
  expect(lines).toEqual(["seeding: 0 of 0 records"]);
});

test("without a total, a line is written when the count has doubled, and for each new message", () => {
  const { display, lines } = plainDisplay("rebuild");
  for (let done = 0; done <= 8; done += 1) {
    display.update({ done, total: null, message: done < 5 ? null : "half way" });
  }
  expect(lines).toEqual([
    "rebuild: 0 done",
    "rebuild: 1 done",
    "rebuild: 3 done",
    "rebuild: 5 done, half way",
    "rebuild: 7 done, half way",
  ]);
});

test("on a terminal, a bar follows, also when the total becomes known only later", () => {
  let written = "";
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written += chunk.toString();
      done();
    },
  });
  const terminal = Object.assign(stream, { isTTY: true, columns: 100 }) as unknown as NodeJS.WriteStream;
  const display = showProgress(terminal, (line) => (written += `${line}\n`), "rebuild");
  display.update({ done: 2, total: null, message: "looking" });
  display.say("the worker has died; another one goes on");
  display.update({ done: 3, total: 4 });
  display.update({ done: 4, total: 4, message: "the end" });
  display.end();
  expect(written).toContain("rebuild 2 done looking");
  expect(written).toContain("the worker has died; another one goes on\n");
  expect(written).toMatch(/rebuild █+░+ 75% 3\/4/);
  expect(written).toMatch(/rebuild █+ 100% 4\/4 the end/);
});
