import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { withDeadline } from "./deadline.ts";
import { freePort } from "./free-port.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";

export interface RedisServer {
  url: string;
  stop(): Promise<void>;
}

/** Starts a real `redis-server` from the PATH on a free port; it keeps nothing on disk. */
export async function startRedisServer(): Promise<RedisServer> {
  const folder = await createTemporaryFolder("redis");
  const port = await freePort();
  const settings = { bind: "127.0.0.1", port, save: "", appendonly: "no", "maxmemory-policy": "noeviction" };
  const server = spawn(
    "redis-server",
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
    { cwd: folder.path, stdio: ["ignore", "pipe", "inherit"] },
  );
  const exited = once(server, "exit");
  const ready = new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(new Error("redis-server cannot be started", { cause })));
    server.once("exit", (code) => reject(new Error(`redis-server ended with ${code} instead of starting`)));
    createInterface({ input: server.stdout }).on("line", (line) => {
      if (line.includes("Ready to accept connections")) {
        resolve();
      }
    });
  });
  await withDeadline(ready, 15_000, "starting redis-server");
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      server.kill("SIGTERM");
      await withDeadline(exited, 15_000, "stopping redis-server");
      await folder.remove();
    },
  };
}
