import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { HooksEngine } from "../../support/hooks-engine.ts";
import {
  ALL_OR_NOTHING,
  createHooksEngine,
  INCREMENT,
  range,
  SKIP_FAILED,
} from "../../support/hooks-engine.ts";

let hooks: HooksEngine;

beforeAll(async () => {
  hooks = await createHooksEngine();
});

beforeEach(async () => {
  await hooks.reset();
});

afterAll(async () => {
  await hooks.engine.stop();
});

describe("texts of the app that the database cannot store", () => {
  it("are recorded with replacement characters, with their record", async () => {
    hooks.say({
      validate: (record) => (record?.id === 5 ? [{ message: "a\u0000b", field: "\uD800" }] : []),
    });
    const task = await hooks.run(INCREMENT, SKIP_FAILED);
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 59, failed: 1 }, attempt: 1 });
    expect(await hooks.errors(task)).toMatchObject([
      { recordId: "5", message: "a\uFFFDb", field: "\uFFFD", code: "VALIDATION_FAILED" },
    ]);
  });

  it.each(["beforeUpdate", "validate"] as const)(
    "fail an ALL_OR_NOTHING task when %s throws them",
    async (place) => {
      const refuse = (): never => {
        throw new Error("a\u0000b");
      };
      hooks.say(place === "validate" ? { validate: refuse } : { hooks: { beforeUpdate: refuse } });
      const task = await hooks.run(INCREMENT, ALL_OR_NOTHING);
      expect(task).toMatchObject({
        status: "FAILED",
        message: "Nothing was changed. Record 1: a\uFFFDb",
        attempt: 1,
      });
      expect(await hooks.changed()).toEqual([]);
    },
  );

  it("fail all records of a SKIP_FAILED task when a hook throws them", async () => {
    hooks.say({
      hooks: {
        beforeUpdate() {
          throw new Error("a\u0000b");
        },
      },
    });
    const task = await hooks.run(INCREMENT, SKIP_FAILED);
    expect(task).toMatchObject({ status: "FAILED", progress: { failed: 60 }, attempt: 1 });
    expect((await hooks.errors(task)).map(({ recordId }) => recordId)).toEqual(range(1, 60).map(String));
  });
});
