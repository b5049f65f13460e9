import type { LoadViewer } from "../core/access/renew-viewer.ts";
import type { SessionRule } from "../core/access/viewer-sessions.ts";
import type { TaskRule } from "../core/tasks/task-sight.ts";
import type { MembersOf, Shape } from "../kernel/shape.ts";
import type { Authenticate } from "../server/callers/caller.ts";
import type { ViewerOfClaims } from "../server/callers/jwt-verifier.ts";

/** What a project says about who asks, and what they see. */
export interface AuthConfig {
  /** The app's own way to find the viewer, in the place of API keys and JWTs. Default: those. */
  readonly authenticate?: Authenticate;
  /**
   * The viewer of a verified JWT's claims; null refuses the caller. Default: the id is `sub`, the roles are `roles` (a list of
   * texts, or one text), the claims are all others but `iss`, `aud`, `exp`, `nbf`, `iat` and `jti`.
   */
  readonly viewerOf?: ViewerOfClaims;
  /**
   * The viewer as it is now, asked whenever a worker begins or continues one of its tasks; null for one that may not act any
   * more: the task fails. It is not asked for those who came by an API key, whose key is looked at, nor for anonymous ones.
   * One that throws is asked again later. Default: the viewer as it was at the launch.
   */
  readonly loadViewer?: LoadViewer;
  /** The role whose viewers see all tasks, and what is for operators. Default: `admin`. */
  readonly adminRole?: string;
  /**
   * Which tasks a viewer sees, where callers must identify themselves: all, none, or those that meet a condition, or one of
   * several. Default: their own; administrators see all.
   */
  readonly tasks?: TaskRule;
  /** The configuration of PostgreSQL for a viewer's reads and writes; see docs/access.md. Default: none. */
  readonly session?: SessionRule;
}

/** See {@link AuthConfig}. */
export const AUTH_CONFIG_SHAPE: Shape = {
  kind: "MEMBERS",
  members: {
    authenticate: { kind: "FUNCTION" },
    viewerOf: { kind: "FUNCTION" },
    loadViewer: { kind: "FUNCTION" },
    adminRole: { kind: "TEXT" },
    tasks: { kind: "FUNCTION" },
    session: { kind: "FUNCTION" },
  } satisfies MembersOf<AuthConfig>,
};
