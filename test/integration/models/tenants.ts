import type { Viewer } from "../../../src/core/access/viewer.ts";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { codeBlocks } from "../../support/markdown-code.ts";
import type { AuthConfig } from "../../../src/compose/auth-config.ts";

/** The role is the server's, so other databases of the tests have it, too. */
const ROLE = "powercrud_test_app";

/** Those of every-type.prisma, join tables too. */
export const TENANT_TABLES: readonly string[] = [
  `shop."all products"`,
  `"Category"`,
  `shop."Tag"`,
  `"Detail"`,
  `"Place"`,
  `shop."Visit"`,
  `shop."_ProductToTag"`,
  `shop."_related"`,
];

/**
 * What the guide says about the role and the policies, for a column for the tenant that no model has, and that new rows take from
 * the session.
 */
export function tenantsSql(): string {
  const [guide = ""] = codeBlocks(
    readFileSync(resolve(import.meta.dirname, "../../../docs/access.md"), "utf8"),
    "sql",
  );
  const [rights = "", policy = ""] = guide
    .replaceAll("public,", "public, shop,")
    .replaceAll("app_viewer", ROLE)
    .split("\n\n");
  const creation = `CREATE ROLE ${ROLE} NOLOGIN;`;
  const ensured = `DO $$ BEGIN ${creation} EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;`;
  const tables = TENANT_TABLES.map(
    (table) => `
ALTER TABLE ${table} ADD COLUMN tenant text NOT NULL DEFAULT coalesce(current_setting('app.tenant', true), 'none');
${policy.replaceAll(/\binvoice\b/g, table)}`,
  );
  return `${rights.replace(creation, () => ensured)} ${tables.join("")} UPDATE "Category" SET tenant = 'A';`;
}

export function tenantOf(name: string): Viewer {
  return { id: `user of ${name}`, claims: { tenant: name } };
}

/** `nobody` has the role, and no tenant; other viewers without a tenant have no session. */
export const TENANT_SESSION: NonNullable<AuthConfig["session"]> = ({ id, claims }) => ({
  role: ROLE,
  ...(id === "nobody" ? {} : { "app.tenant": claims["tenant"] as string }),
});
