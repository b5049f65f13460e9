import type { TestProject } from "vitest/node";

import { startPostgresServer, type PostgresServer } from "./postgres-server.ts";
import { startRedisServer, type RedisServer } from "./redis-server.ts";
import { createTemplateDatabase, TEMPLATE_DATABASE } from "./template-database.ts";
import { createTemporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The URL of a database whose user may create others. */
    postgresUrl: string;
    redisUrl: string;
    /** A folder for what several test files of the run need, and one makes. */
    sharedFolder: string;
  }
}

interface Services {
  postgres: PostgresServer;
  redis: RedisServer;
  folder: TemporaryFolder;
  userCount: number;
}

/** Each project runs this file in a module graph of its own; the process is what they share. */
const shared = globalThis as typeof globalThis & { powercrudTestServices?: Promise<Services> | undefined };

async function startServices(): Promise<Services> {
  const [postgres, redis, folder] = await Promise.all([
    startPostgresServer(),
    startRedisServer(),
    createTemporaryFolder("shared"),
  ]);
  await createTemplateDatabase(postgres.urlOf("postgres"), postgres.urlOf(TEMPLATE_DATABASE));
  return { postgres, redis, folder, userCount: 0 };
}

/** Starts one PostgreSQL and one Redis for all projects that ask, and stops them after the last. */
export default async function setUpServices(project: TestProject): Promise<() => Promise<void>> {
  shared.powercrudTestServices ??= startServices();
  const services = await shared.powercrudTestServices;
  services.userCount += 1;
  project.provide("postgresUrl", services.postgres.urlOf("postgres"));
  project.provide("redisUrl", services.redis.url);
  project.provide("sharedFolder", services.folder.path);
  return async () => {
    services.userCount -= 1;
    if (services.userCount === 0) {
      shared.powercrudTestServices = undefined;
      await Promise.all([services.postgres.stop(), services.redis.stop(), services.folder.remove()]);
    }
  };
}
