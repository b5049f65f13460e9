import type { Viewer } from "../access/viewer.ts";

/** The scopes of claims: see Claim.scope. */
export interface LockScopes {
  /** What narrows a viewer's claims on the whole model; undefined for nothing. */
  of(model: string, viewer: Viewer): string | undefined;
}
