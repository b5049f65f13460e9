import type { ApiKey, KeyScope } from "../core/access/api-key.ts";
import { KEY_SCOPES, makeKey } from "../core/access/api-key.ts";
import type { Viewer } from "../core/access/viewer.ts";
import { ADMIN_ROLE, fullViewer } from "../core/access/viewer.ts";
import type { Audit } from "../kernel/audit.ts";
import { createId } from "../kernel/ids.ts";
import { errorFields } from "../kernel/logger.ts";
import { announceRevocation } from "../server/callers/api-key-verifier.ts";
import type { DeploymentAddress } from "./with-deployment.ts";
import { withDeployment } from "./with-deployment.ts";

export { KEY_SCOPES };

/** Which deployment, and where it is written down what becomes of its keys. */
export interface KeysAddress extends DeploymentAddress {
  /** Default: nowhere. */
  readonly audit?: Audit;
}

/** A key to make. */
export interface KeyRequest {
  readonly name: string;
  readonly viewer: Viewer;
  readonly scopes: readonly KeyScope[];
  /** From now, in ms; undefined: it never expires. */
  readonly validForMs?: number | undefined;
}

/** A new key, and its text, which is nowhere else. */
export interface MadeKey {
  readonly text: string;
  readonly key: Pick<ApiKey, "name" | "prefix" | "viewer" | "scopes" | "expiresAt">;
}

/** @returns undefined if there is a key of that name, which is not revoked @throws as withDeployment */
export function createApiKey(address: KeysAddress, request: KeyRequest): Promise<MadeKey | undefined> {
  return withDeployment(address, async ({ apiKeys, ports }) => {
    const { name, scopes, validForMs } = request;
    const { text, ...secret } = makeKey();
    const createdAt = ports.clock.now();
    const expiresAt = validForMs === undefined ? null : new Date(createdAt.getTime() + validForMs);
    const viewer = fullViewer(request.viewer);
    const key = { id: createId(createdAt), name, ...secret, viewer, scopes, createdAt, expiresAt };
    const isMade = await apiKeys.create(key);
    const made = isMade ? { outcome: "made", key: key.id } : { outcome: "conflict", reason: "name taken" };
    address.audit?.({ action: "key", viewerId: null, ...made });
    return isMade ? { text, key } : undefined;
  });
}

/** Makes the key `admin`, of an administrator, unless there is a key that can be used. @returns its text, once */
export async function createFirstApiKey(
  address: KeysAddress,
  adminRole = ADMIN_ROLE,
): Promise<string | undefined> {
  if (await withDeployment(address, ({ apiKeys, ports }) => apiKeys.hasUsable(ports.clock.now()))) {
    return undefined;
  }
  const name = "admin";
  const viewer = { id: `key:${name}`, roles: [adminRole] };
  return (await createApiKey(address, { name, viewer, scopes: KEY_SCOPES }))?.text;
}

/** All keys of the deployment, the oldest first. @throws as withDeployment */
export function listApiKeys(address: DeploymentAddress): Promise<readonly ApiKey[]> {
  return withDeployment(address, ({ apiKeys }) => apiKeys.list());
}

/**
 * Revokes a key in all processes. Where the message is lost, they notice within seconds.
 * @returns undefined if no key of that name or prefix is in use
 * @throws as withDeployment
 */
export function revokeApiKey(address: KeysAddress, nameOrPrefix: string): Promise<ApiKey | undefined> {
  return withDeployment(address, async ({ apiKeys, ports }) => {
    const key = await apiKeys.revoke(nameOrPrefix, ports.clock.now());
    if (key === undefined) {
      // What was given may be a whole key.
      address.audit?.({ action: "key", outcome: "missing", viewerId: null });
    } else {
      address.audit?.({ action: "key", outcome: "revoked", viewerId: null, key: key.id });
      await announceRevocation(ports.bus, key.id).catch((error: unknown) => {
        address.logger.warn({ ...errorFields(error), keyId: key.id }, "a revocation could not be announced");
      });
    }
    return key;
  });
}
