/** The file that `prisma generate` writes, seen from the project's folder. */
export const GENERATED_MODULE = "generated/powercrud.ts";
/** The folder of Prisma's client, where the project has no client yet. */
export const CLIENT_FOLDER = "generated/prisma";

/**
 * The text of a new `powercrud.config.ts`.
 * @param moduleFile the generated module, as the file imports it
 * @param model the name of one of the models, for the example
 */
export function printPowerCrudConfig(moduleFile: string, model: string | undefined): string {
  return `import { defineConfig } from "powercrud-graphql";
import { generated } from ${JSON.stringify(moduleFile)}; // written by \`prisma generate\`

export default defineConfig({
  generated,
  // Every model of the Prisma schema is served. To change how, name it here; your editor knows what can be said:
  // models: { ${model ?? "User"}: { isExposed: false } },
});
`;
}

/** The text of a new \`prisma.config.ts\`. Paths are relative to the project, with slashes. */
export function printPrismaConfig(schema: string, migrations: string): string {
  return `import { existsSync } from "node:fs";
import { defineConfig } from "prisma/config";

if (existsSync(".env")) {
  process.loadEnvFile();
}

export default defineConfig({
  schema: ${JSON.stringify(schema)},
  migrations: { path: ${JSON.stringify(migrations)} },
  // For \`prisma migrate\` and \`prisma db\`; \`prisma generate\` needs no database.
  datasource: { url: process.env["DATABASE_URL"] ?? "" },
});
`;
}

/** The block of our generator. @param output the module, seen from the schema file's folder */
export function printGenerator(name: string, output: string): readonly string[] {
  return [
    `generator ${name} {`,
    '  provider = "powercrud-generator"',
    `  output   = ${JSON.stringify(output)}`,
    "}",
  ];
}

/** The block of Prisma's client. @param output its folder, seen from the schema file's folder */
export function printClientGenerator(output: string): readonly string[] {
  return [
    "generator client {",
    '  provider = "prisma-client"',
    `  output   = ${JSON.stringify(output)}`,
    "}",
  ];
}
