import { describe, expect, it } from "vitest";
import type { StoredApiKey } from "../../../../src/core/access/api-key.ts";
import type { LoadViewer, RenewViewer } from "../../../../src/core/access/renew-viewer.ts";
import { createRenewViewer } from "../../../../src/core/access/renew-viewer.ts";
import type { Viewer } from "../../../../src/core/access/viewer.ts";
import { createManualClock } from "../../../support/manual-clock.ts";

/** How a viewer is renewed, and which keys were looked up. */
function create(key?: Partial<StoredApiKey>, load?: LoadViewer) {
  const found: string[] = [];
  const renew: RenewViewer = createRenewViewer({
    clock: createManualClock(),
    keys: {
      findById(id) {
        found.push(id);
        const viewer = { id: "ann", roles: ["editor"], claims: {} };
        const whole = { name: "robot", viewer, scopes: ["write"], expiresAt: null, revokedAt: null };
        return Promise.resolve(key && ({ ...whole, ...key } as StoredApiKey));
      },
    },
    load,
  });
  return { found, renew: (viewer: Viewer) => renew({ viewer, taskId: "1" }) };
}

describe("the viewer of a task", () => {
  it("is not asked for where it came by no key, and the app does not say who it is now", () => {
    const { renew, found } = create({});
    expect([renew({ id: "ann" }), renew({ id: null })]).toEqual([undefined, undefined]);
    expect(found).toEqual([]);
    expect(create({}, () => null).renew({ id: null })).toBeUndefined();
  });

  it("is that of its key as it is now, looked up once, whatever the app would say", async () => {
    const { renew, found } = create({}, () => null);
    expect(await renew({ id: "ann", roles: ["admin"], apiKeyId: "k1" })).toEqual({
      kind: "VALID",
      viewer: { id: "ann", roles: ["editor"], claims: {}, apiKeyId: "k1" },
    });
    expect(found).toEqual(["k1"]);
  });

  it.each([
    ["unknown", undefined],
    ["revoked", { revokedAt: new Date(0) }],
    ["expired", { expiresAt: createManualClock().now() }],
    ["no scope write", { scopes: ["read"] as const }],
  ])("may act no more with a key that is: %s", async (reason, key) => {
    expect(await create(key).renew({ id: "ann", apiKeyId: "k1" })).toMatchObject({ kind: "ENDED", reason });
  });

  it("is known to the app or not; where the app cannot tell, that is no answer", async () => {
    const ann = { id: "ann" };
    const load: LoadViewer = ({ viewer: { id } }) => ({ id, roles: ["member"] });
    expect(await create({}, load).renew(ann)).toEqual({
      kind: "VALID",
      viewer: { id: "ann", roles: ["member"] },
    });
    expect(await create({}, () => null).renew(ann)).toMatchObject({ kind: "ENDED", code: "UNAUTHENTICATED" });
    const fails = (): never => {
      throw new Error("the app's database is down");
    };
    await expect(create({}, fails).renew(ann)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});
