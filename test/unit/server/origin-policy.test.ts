import { describe, expect, it } from "vitest";
import { createOriginPolicy } from "../../../src/server/origin-policy.ts";

const allowedOrigins = ["https://app.example"];

describe("the origin policy", () => {
  it.each([
    [undefined, "127.0.0.1:4000", true],
    ["http://127.0.0.1:4000", "127.0.0.1:4000", true],
    ["http://localhost:5173", "127.0.0.1:4000", true],
    ["http://[::1]:4000", "[::1]:4000", true],
    ["https://app.example", "127.0.0.1:4000", true],
    ["https://app.example.evil.example", "127.0.0.1:4000", false],
    // A host name whose owner lets it resolve to this machine.
    ["http://rebound.example:4000", "rebound.example:4000", false],
    ["http://localhost.evil.example", "127.0.0.1:4000", false],
    ["null", "127.0.0.1:4000", false],
    ["", "127.0.0.1:4000", false],
  ])("on loopback, from %j to %s: %j", (origin, host, isAllowed) => {
    const policy = createOriginPolicy({ listenHost: "127.0.0.1", allowedOrigins });
    expect(policy.isAllowed(origin, host)).toBe(isAllowed);
  });

  it.each([
    [undefined, "api.example", true],
    ["https://api.example", "api.example", true],
    ["https://app.example", "api.example", true],
    ["http://localhost:5173", "api.example", false],
    ["https://evil.example", "api.example", false],
    ["https://api.example:8443", "api.example", false],
    ["https://api.example", undefined, false],
  ])("on every address, from %j to %s: %j", (origin, host, isAllowed) => {
    const policy = createOriginPolicy({ listenHost: "0.0.0.0", allowedOrigins });
    expect(policy.isAllowed(origin, host)).toBe(isAllowed);
  });
});
