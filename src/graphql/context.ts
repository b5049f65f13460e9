import type { Viewer } from "../core/access/viewer.ts";

/**
 * What a request brings to its resolvers. Everything else they need was given to the schema when it was made;
 * per-request caches hang on this object's identity, so make a fresh one for every operation.
 */
export interface GraphQLContext {
  readonly viewer: Viewer;
}
