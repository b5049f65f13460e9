/** The PostgreSQL schema that a connection string names as Prisma does (`?schema=shop`), which is "public" by default. */
export function schemaOfUrl(databaseUrl: string): string {
  return (URL.canParse(databaseUrl) ? new URL(databaseUrl).searchParams.get("schema") : null) || "public";
}
