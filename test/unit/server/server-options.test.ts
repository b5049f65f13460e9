import { expect, it } from "vitest";
import { SERVER_LIMITS } from "../../../src/server/server-options.ts";

it("defaults", () => {
  expect(SERVER_LIMITS).toEqual({
    maxBodyBytes: 16_777_216,
    maxOperationCost: 500_000,
    maxMessageBytes: 16_777_216,
    maxSockets: 10_000,
    maxOperationsPerSocket: 100,
    maxReceivedBytes: 134_217_728,
    maxUnreadBytes: 268_435_456,
    maxConnectionsPerAddress: 2000,
    maxConnectionsPerViewer: 1000,
    maxPipelinedRequests: 50,
    headersTimeoutMs: 10_000,
    requestTimeoutMs: 120_000,
    connectionInitWaitMs: 3000,
    pingIntervalMs: 12_000,
    exportIdleMs: 30_000,
    drainTimeoutMs: 5000,
  });
  expect(Object.isFrozen(SERVER_LIMITS)).toBe(true);
});
