import { existsSync } from "node:fs";
import { join } from "node:path";

/**
 * Reads the project's `.env` into this process's environment, as Prisma's projects expect. Variables that are set already
 * stay as they are.
 */
export function loadEnvFile(projectDir: string): void {
  const file = join(projectDir, ".env");
  if (existsSync(file)) {
    process.loadEnvFile(file);
  }
}
