import { describe, expect, it } from "vitest";
import { createCron } from "../../../../src/adapters/cron/croner-cron.ts";

const cron = createCron();

/** The first due times after a moment. */
function timesAfter(expression: string, timeZone: string, after: string, count: number): readonly string[] {
  const reading = cron.read(expression, timeZone);
  if (reading.kind === "WRONG") {
    throw new Error(reading.problem);
  }
  const times: string[] = [];
  for (let at: Date | null = new Date(after); times.length < count;) {
    at = reading.times.nextAfter(at);
    if (at === null) {
      break;
    }
    times.push(at.toISOString().replace(":00.000Z", "Z"));
  }
  return times;
}

describe("due times", () => {
  it("are read in the schedule's time zone, and come strictly after the given moment", () => {
    expect(timesAfter("0 3 * * *", "Europe/Paris", "2026-11-28T02:00:00.000Z", 2)).toEqual([
      "2026-11-29T02:00Z",
      "2026-11-30T02:00Z",
    ]);
    expect(timesAfter("0 3 * * *", "Europe/Paris", "2026-11-28T01:59:59.999Z", 1)).toEqual([
      "2026-11-28T02:00Z",
    ]);
    expect(timesAfter("*/20 * * * * *", "UTC", "2026-11-28T02:00:05.500Z", 2)).toEqual([
      "2026-11-28T02:00:20.000Z",
      "2026-11-28T02:00:40.000Z",
    ]);
  });

  it("end after the last year of the expression", () => {
    expect(timesAfter("0 0 0 1 1 * 2027", "UTC", "2026-06-01T00:00:00Z", 2)).toEqual(["2027-01-01T00:00Z"]);
    expect(timesAfter("0 0 0 1 1 * 2027", "UTC", "2028-06-01T00:00:00Z", 2)).toEqual([]);
  });

  it.each([
    // 02:30 does not exist on 2026-03-29 in Paris: clocks go from 02:00 to 03:00.
    ["30 2 * * *", "2026-03-28T12:00Z", ["2026-03-29T01:00Z", "2026-03-30T00:30Z"]],
    ["30 2,14 * * *", "2026-03-28T22:00Z", ["2026-03-29T01:00Z", "2026-03-29T12:30Z", "2026-03-30T00:30Z"]],
    // 02:30 comes twice on 2026-10-25: clocks go from 03:00 back to 02:00.
    ["30 2 * * *", "2026-10-24T12:00Z", ["2026-10-25T00:30Z", "2026-10-26T01:30Z"]],
    ["30 2,14 * * *", "2026-10-24T22:00Z", ["2026-10-25T00:30Z", "2026-10-25T13:30Z", "2026-10-26T01:30Z"]],
  ])("%s comes once a day, also where clocks change", (expression, after, expected) => {
    expect(timesAfter(expression, "Europe/Paris", after, expected.length)).toEqual(expected);
  });

  it("with a step come by elapsed time, also where clocks change", () => {
    expect(timesAfter("*/30 * * * *", "Europe/Paris", "2026-03-29T00:30Z", 3)).toEqual([
      "2026-03-29T01:00Z",
      "2026-03-29T01:30Z",
      "2026-03-29T02:00Z",
    ]);
    expect(timesAfter("*/30 * * * *", "Europe/Paris", "2026-10-25T00:30Z", 3)).toEqual([
      "2026-10-25T01:00Z",
      "2026-10-25T01:30Z",
      "2026-10-25T02:00Z",
    ]);
  });
});

describe("an expression that cannot be read", () => {
  it.each([
    ["61 * * * *", "UTC", "Invalid value for minute: 61"],
    [
      "often",
      "UTC",
      "invalid configuration format ('often'), exactly five, six, or seven space separated parts are required.",
    ],
    [
      "2026-12-01T00:00:00",
      "UTC",
      "invalid configuration format ('2026-12-01T00:00:00'), exactly five, six, or seven space separated parts are required.",
    ],
    ["0 0 30 2 *", "UTC", '"0 0 30 2 *" never comes'],
    ["0 3 * * *", "Europe/Pariss", '"Europe/Pariss" is not a time zone; did you mean Europe/Paris?'],
    ["0 3 * * *", "", '"" is not a time zone; take an IANA name, such as Europe/Paris'],
  ])("%s in %s says what is wrong", (expression, timeZone, problem) => {
    expect(cron.read(expression, timeZone)).toMatchObject({ kind: "WRONG", problem });
  });
});

it.each([
  ["0 3 * * *", "At 03:00"],
  ["@hourly", "Every hour"],
  ["0 12 * * FRI#2", "At 12:00, on the second Friday of the month"],
  ["? 3 * * *", "? 3 * * *"],
])("%s in words is: %s", (expression, words) => {
  expect(cron.inWords(expression)).toBe(words);
});
