import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { withDeadline } from "./deadline.ts";
import { freePort } from "./free-port.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";

export interface RedisServer {
  url: string;
  /** Kills the process, and with it all data. `revive` starts another one on the same port. */
  halt(): Promise<void>;
  revive(): Promise<void>;
  /** Suspends the process with its connections open, as on a machine that hangs. `resume` continues it. */
  pause(): void;
  resume(): void;
  /** Stops the server. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a real `redis-server` from the PATH on a free port. It saves nothing to disk.
 * @param settings lines of redis.conf that extend or replace these
 */
export async function startRedisServer(settings: Record<string, string> = {}): Promise<RedisServer> {
  const folder = await createTemporaryFolder("redis");
  const port = await freePort();
  const all = {
    bind: "127.0.0.1",
    port,
    save: "",
    appendonly: "no",
    "maxmemory-policy": "noeviction",
    ...settings,
  };
  const start = (): Promise<RedisProcess> =>
    startProcess(
      Object.entries(all).flatMap(([name, value]) => [`--${name}`, String(value)]),
      folder.path,
    );
  let running = await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    halt: () => running.end(),
    async revive() {
      running = await start();
    },
    pause: () => running.signal("SIGSTOP"),
    resume: () => running.signal("SIGCONT"),
    async stop() {
      await running.end();
      await folder.remove();
    },
  };
}

interface RedisProcess {
  signal(name: "SIGSTOP" | "SIGCONT"): void;
  /** Idempotent. */
  end(): Promise<void>;
}

async function startProcess(parts: readonly string[], cwd: string): Promise<RedisProcess> {
  const server = spawn("redis-server", parts, { cwd, stdio: ["ignore", "pipe", "inherit"] });
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
    signal: (name) => void server.kill(name),
    async end() {
      server.kill("SIGTERM");
      await withDeadline(exited, 15_000, "stopping redis-server");
    },
  };
}
