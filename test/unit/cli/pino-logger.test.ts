import { expect, it } from "vitest";
import { createPinoLoggers } from "../../../src/cli/pino-logger.ts";

function setUp(level: Parameters<typeof createPinoLoggers>[0]) {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  return { lines, ...createPinoLoggers(level, { write }) };
}

it("writes neither secrets nor values of records", () => {
  const { lines, logger } = setUp("info");
  const cause = Object.assign(new Error('invalid input syntax for type uuid: "hunter2"'), {
    code: "22P02",
    detail: "hunter2",
    client: { password: "hunter2" },
  });
  const err = new Error("postgres://ann:hunter2@db/app does not answer to Bearer hunter2", { cause });
  logger.error(
    {
      err,
      password: "hunter2",
      options: { secret: "hunter2" },
      url: "rediss://:hunter2@cache:6379",
      taskId: "t1",
    },
    "it failed",
  );
  expect(JSON.stringify(lines)).not.toContain("hunter2");
  expect(lines).toMatchObject([
    {
      level: "error",
      taskId: "t1",
      url: "rediss://:[redacted]@cache:6379",
      err: {
        message: "postgres://ann:[redacted]@db/app does not answer to Bearer [redacted]",
        cause: { code: "22P02", message: 'invalid input syntax for type uuid: "[redacted]"' },
      },
    },
  ]);
});

it.each([
  ["error", 1],
  ["silent", 0],
] as const)("writes the audit log at the level %s: %i lines", (level, count) => {
  const { lines, logger, auditLogger } = setUp(level);
  logger.info({}, "not worth a line");
  auditLogger.info({ log: "audit" }, "launch: launched");
  expect(lines).toHaveLength(count);
});
