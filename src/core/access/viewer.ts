import type { JsonObject } from "../../kernel/json.ts";

/** The caller. Plain JSON: it is stored with a task, and the worker applies the same viewer's scope again. */
export interface Viewer {
  /** Null for an anonymous caller. */
  readonly id: string | null;
  /** Additions of the app's authentication: roles, a tenant. */
  readonly claims?: JsonObject;
}

/** The anonymous viewer. */
export const ANONYMOUS: Viewer = Object.freeze({ id: null });
