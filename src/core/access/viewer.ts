import type { JsonObject } from "../../kernel/json.ts";

/** The caller. Plain JSON: it is stored with a task, and the worker applies the same viewer's scope again. */
export interface Viewer {
  /** Null for an anonymous caller. */
  readonly id: string | null;
  /** Names that rules ask for, such as `admin`. Default: none. */
  readonly roles?: readonly string[];
  /** Additions of the app's authentication, such as a tenant. Default: none. */
  readonly claims?: JsonObject;
  /** The id of the API key that it came by. Default: it came by none. */
  readonly apiKeyId?: string;
}

/** A viewer with all members: what the app's rules are given. */
export type FullViewer = Required<Omit<Viewer, "apiKeyId">> & Pick<Viewer, "apiKeyId">;

/** The role of administrators, unless the config has another. */
export const ADMIN_ROLE = "admin";

/** The anonymous viewer. */
export const ANONYMOUS: Viewer = Object.freeze({ id: null });

/** The viewer, with the defaults of what it leaves out. */
export function fullViewer(viewer: Viewer): FullViewer {
  return viewer.roles !== undefined && viewer.claims !== undefined
    ? (viewer as FullViewer)
    : { roles: [], claims: {}, ...viewer };
}
