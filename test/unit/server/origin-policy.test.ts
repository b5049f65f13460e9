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
    expect(policy.refusalOf({ origin, host }) === undefined).toBe(isAllowed);
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
    expect(policy.refusalOf({ origin, host }) === undefined).toBe(isAllowed);
  });

  it.each([
    ["127.0.0.1", [], "127.0.0.1:4000", true],
    ["127.0.0.1", [], "localhost:4000", true],
    ["127.0.0.1", [], "[::1]:4000", true],
    ["127.0.0.1", [], "rebound.example:4000", false],
    ["127.0.0.1", [], "app.example", true],
    ["127.0.0.1", ["api.example"], "api.example:4000", true],
    ["127.0.0.1", ["api.example"], "API.example", true],
    ["127.0.0.1", [], undefined, true],
    ["0.0.0.0", [], "anything.example", true],
    ["0.0.0.0", ["api.example"], "anything.example", false],
    ["0.0.0.0", ["api.example"], "localhost:4000", true],
  ])("listening on %s as %j, by the name %s: %j", (listenHost, allowedHosts, host, isAllowed) => {
    const policy = createOriginPolicy({ listenHost, allowedOrigins, allowedHosts });
    const refusal = policy.refusalOf({ host });
    expect(refusal === undefined).toBe(isAllowed);
    expect(refusal ?? "POWERCRUD_ALLOWED_HOSTS").toContain("POWERCRUD_ALLOWED_HOSTS");
  });

  it.each([
    ["cross-site", "no-cors", "image", false],
    ["cross-site", "navigate", "iframe", false],
    ["same-site", "no-cors", "script", false],
    ["cross-site", "navigate", "document", true],
    ["same-origin", "cors", "empty", true],
    ["none", "navigate", "document", true],
  ])("without an origin, %s %s for %s: %j", (site, mode, dest, isAllowed) => {
    const policy = createOriginPolicy({ listenHost: "127.0.0.1", allowedOrigins });
    const headers = { "sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest };
    expect(policy.refusalOf(headers) === undefined).toBe(isAllowed);
    // A page of an allowed origin says which it is.
    expect(policy.refusalOf({ ...headers, origin: "https://app.example" })).toBeUndefined();
  });
});
