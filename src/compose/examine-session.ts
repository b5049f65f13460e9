import { createViewerSessions } from "../core/access/viewer-sessions.ts";
import { ANONYMOUS } from "../core/access/viewer.ts";
import type { Examination, Finding } from "../core/health/health-check.ts";
import { counted } from "../kernel/counted.ts";
import type { SqlSession } from "../kernel/sql-session.ts";
import { quoteName } from "../kernel/sql-session.ts";
import type { PowerCrudConfig } from "./define-config.ts";
import { readModels } from "./read-models.ts";

/** $1 the role, or null for the one that connects; $2 the tables of the models. */
const ROLE = `
SELECT r.rolname AS name, r.rolsuper OR r.rolbypassrls AS "isFree", pg_has_role(current_user, r.oid, 'MEMBER') AS "isOurs",
       has_schema_privilege(r.oid, 'powercrud', 'USAGE') AND NOT EXISTS (
         SELECT FROM pg_class e JOIN pg_namespace n ON n.oid = e.relnamespace AND n.nspname = 'powercrud'
          WHERE e.relkind = 'r' AND NOT (has_table_privilege(r.oid, e.oid, 'SELECT') AND has_table_privilege(r.oid, e.oid, 'INSERT')
            AND has_table_privilege(r.oid, e.oid, 'UPDATE') AND has_table_privilege(r.oid, e.oid, 'DELETE'))
       ) AS "hasEngine",
       ARRAY(SELECT c.oid::regclass::text FROM pg_class c WHERE c.oid = ANY(listed.tables) AND c.relrowsecurity
              AND NOT c.relforcerowsecurity AND pg_has_role(r.oid, c.relowner, 'USAGE') ORDER BY 1) AS owned,
       (SELECT count(*)::int FROM pg_class c WHERE c.oid = ANY(listed.tables) AND c.relrowsecurity) AS secured
  FROM pg_roles r CROSS JOIN (SELECT array_agg(to_regclass(name)::oid) AS tables FROM unnest($2::text[]) AS name) AS listed
 WHERE r.rolname = coalesce($1, current_user)`;

interface RoleRow {
  readonly name: string;
  /** No policy applies to it. */
  readonly isFree: boolean;
  /** Whether the service may take it. */
  readonly isOurs: boolean;
  /** Whether it may use the engine's tables. */
  readonly hasEngine: boolean;
  /** Tables whose policies do not apply to it, since they are its own. */
  readonly owned: readonly string[];
  /** Tables with row level security. */
  readonly secured: number;
}

/** Whether the database's policies apply to the sessions that auth.session gives; undefined for a config without it. */
export function examineSession(
  project: PowerCrudConfig,
  { session, defaultSchema }: { readonly session: SqlSession; readonly defaultSchema: string },
): Examination | undefined {
  const sessions = createViewerSessions(project.auth?.session);
  if (sessions === undefined) {
    return undefined;
  }
  return {
    name: "row security",
    async examine(): Promise<Finding> {
      const role = roleOf(sessions);
      const { models } = readModels(project, defaultSchema);
      const tables = models.all().map(({ schema, table }) => `${quoteName(schema)}.${quoteName(table)}`);
      const [row] = await session.query<RoleRow>(ROLE, [role ?? null, tables]);
      return row === undefined
        ? failed(`auth.session names the role ${role}, and the database has none of this name.`)
        : findingOf(row, role !== undefined);
    },
  };
}

/** The role that the session of an anonymous viewer names. */
function roleOf(sessions: NonNullable<ReturnType<typeof createViewerSessions>>): string | undefined {
  try {
    const { names, values } = sessions.of(ANONYMOUS).settings;
    return values[names.findIndex((name) => name.toLowerCase() === "role")];
  } catch {
    // Nobody without a name gets a session; others may.
    return undefined;
  }
}

function findingOf({ name, isFree, isOurs, hasEngine, owned, secured }: RoleRow, isNamed: boolean): Finding {
  const whose = isNamed ? `the role ${name}` : `the role ${name}, which connects`;
  if (!isOurs) {
    return failed(
      `The service may not take ${whose}. Run: GRANT ${quoteName(name)} TO the role that connects.`,
    );
  }
  if (!hasEngine) {
    return failed(`${name} lacks rights on the engine's tables; docs/access.md has the statements.`);
  }
  const advice = isNamed
    ? ""
    : " Let auth.session name a role to which they apply, unless it does for other viewers.";
  if (isFree) {
    return warning(`No policy applies to ${whose}: it is a superuser, or has BYPASSRLS.${advice}`);
  }
  if (owned.length > 0) {
    return warning(
      `Policies do not apply to ${whose}, for it owns ${owned.join(", ")}.${advice} Or run: ALTER TABLE … FORCE ROW LEVEL SECURITY.`,
    );
  }
  return secured === 0
    ? warning("auth.session is set, and no table of a model has row level security.")
    : { status: "OK", message: `The policies of ${counted(secured, "table")} apply to ${whose}.` };
}

function warning(message: string): Finding {
  return { status: "WARNING", message };
}

function failed(message: string): Finding {
  return { status: "FAILED", message };
}
