import { describe, expect, it } from "vitest";
import type { SessionRule, ViewerSessions } from "../../../../src/core/access/viewer-sessions.ts";
import { createViewerSessions } from "../../../../src/core/access/viewer-sessions.ts";

const ANN = { id: "ann", claims: { tenant: "7" } };

function sessionsOf(rule: SessionRule): ViewerSessions {
  return createViewerSessions(rule) as ViewerSessions;
}

function faultOf(rule: () => unknown): unknown {
  try {
    return sessionsOf(rule as SessionRule).of(ANN);
  } catch (error) {
    const { code, message, cause } = error as { code: string; message: string; cause: Error };
    return [code, message, cause.message];
  }
}

describe("the session of a viewer", () => {
  it("has texts by their names, the role last", () => {
    const sessions = sessionsOf(({ claims, roles }) => ({
      role: "app",
      "app.tenant": claims["tenant"] as string,
      "app.roles": roles.join(),
    }));
    expect(sessions.of(ANN).settings).toEqual({
      names: ["app.tenant", "app.roles", "role"],
      values: ["7", "", "app"],
    });
  });

  it.each([
    [{ "app.tenant": undefined }, `app.tenant must be a text, and is undefined`],
    [{ "app.tenant": null }, `app.tenant must be a text, and is null`],
    [{ "app.tenant": 7 }, "app.tenant must be a text, and is a number"],
    [{ "app.tenant": "a\0" }, "app.tenant must be a text, and is a text with a NUL character"],
    [{ "app; DROP": "7" }, `"app; DROP" is no name of a setting`],
    [{ "app.": "7" }, `"app." is no name of a setting`],
    [undefined, "must return an object"],
    [["a"], `"0" is no name of a setting`],
    [Promise.resolve({}), "must return an object"],
  ])("is refused where the rule returns %o", (returned, words) => {
    expect(faultOf(() => returned)).toEqual([
      "INTERNAL",
      "auth.session gave no session for the viewer.",
      expect.stringContaining(words),
    ]);
  });

  it("is refused where the rule throws", () => {
    const fault = faultOf(() => {
      throw new Error("no such tenant");
    });
    expect(fault).toEqual(["INTERNAL", expect.any(String), "no such tenant"]);
  });

  it("is that of the code's viewer, for what it calls and awaits, and else of nobody", async () => {
    const sessions = sessionsOf(({ id }) => ({ "app.user": id ?? "anonymous" }));
    const later = async (): Promise<readonly string[]> => {
      await Promise.resolve();
      return sessions.current().values;
    };
    const nested = sessions.as(ANN, () => Promise.all([later(), sessions.as({ id: "bob" }, later), later()]));
    expect(await nested).toEqual([["ann"], ["bob"], ["ann"]]);
    expect(await sessions.as(ANN, () => sessions.as(undefined, later))).toEqual(["ann"]);
    expect(await sessions.as(undefined, later)).toEqual(["anonymous"]);
    expect(() => sessions.current()).toThrow("on nobody's behalf");
  });

  it("is asked for once while the viewer stays the same", () => {
    let asked = 0;
    const sessions = sessionsOf(() => ({ "app.count": String((asked += 1)) }));
    sessions.as(ANN, () => sessions.as(ANN, () => undefined));
    expect(asked).toBe(1);
  });
});

it("without a rule there are no sessions", () => {
  expect(createViewerSessions(undefined)).toBeUndefined();
});
