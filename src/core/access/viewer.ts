import type { JsonObject } from "../../kernel/json.ts";

/** Who asks. Plain JSON: it is stored with a task, and the worker applies the same viewer's scope again. */
export interface Viewer {
  /** Null for someone unknown. */
  readonly id: string | null;
  /** Whatever the app's authentication adds: roles, a tenant. */
  readonly claims?: JsonObject;
}

/** Someone unknown. */
export const ANONYMOUS: Viewer = Object.freeze({ id: null });
