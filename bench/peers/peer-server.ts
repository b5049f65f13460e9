import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

const PEERS = import.meta.dirname;
const ROOT = join(PEERS, "../..");
/** The Node that comes with the peers. */
const PEERS_NODE = join(PEERS, "node_modules/node/bin/node");
const INHERITED = ["PATH", "HOME", "LANG", "TMPDIR"];
/** The unit of the times in /proc, in ms. */
const TICK_MS = 10;

/** A GraphQL server in a process of its own. */
export interface PeerServer {
  /** The address of its GraphQL endpoint. */
  readonly url: URL;
  /** The time that its process has used the processor so far, in ms. NaN except on Linux. */
  cpuMs(): Promise<number>;
  stop(): Promise<void>;
}

/** The servers of one run. */
export interface PeerServers {
  /** The built package on the peers' Node. */
  readonly ours: PeerServer;
  /** The same on the bench's own Node; undefined if that has the same major version. */
  readonly oursHere: PeerServer | undefined;
  readonly graphile: PeerServer;
  /** For the report. */
  readonly versions: string;
  stop(): Promise<void>;
}

/**
 * Installs the peers if they are missing, builds the package, and starts all servers on one migrated database. Our servers
 * write CPU profiles into the folder `BENCH_CPU_PROFILES`, if it is set.
 */
export async function startPeerServers(databaseUrl: string): Promise<PeerServers> {
  installPeers();
  run("npm run build", process.execPath, ["scripts/build.mjs"], ROOT);
  const nodeVersion = run("node --version", PEERS_NODE, ["--version"], PEERS).trim().slice(1);
  const [major = ""] = nodeVersion.split(".");
  const graphileVersion = await versionOf("postgraphile");
  const started: PeerServer[] = [];
  const start = async (node: string, args: readonly string[]): Promise<PeerServer> => {
    const server = await startServer(node, args, databaseUrl);
    started.push(server);
    return server;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((server) => server.stop()));
  };
  const profileDir = process.env["BENCH_CPU_PROFILES"];
  const profiled = profileDir === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDir}`];
  const serve = [...profiled, join(ROOT, "dist/cli/powercrud.js"), "serve"];
  try {
    return {
      ours: await start(PEERS_NODE, serve),
      oursHere: process.versions.node.startsWith(`${major}.`)
        ? undefined
        : await start(process.execPath, serve),
      graphile: await start(PEERS_NODE, [join(PEERS, "graphile-server.mjs")]),
      versions: `Node ${nodeVersion}, PostGraphile ${graphileVersion}`,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function installPeers(): void {
  if (!existsSync(PEERS_NODE) || !existsSync(join(PEERS, "node_modules/postgraphile"))) {
    console.log("bench/peers: installing PostGraphile and Node 24 from npm, 500 MB, once");
    run("npm install in bench/peers", "npm", ["install", "--no-audit", "--no-fund", "--no-save"], PEERS);
  }
}

async function versionOf(name: string): Promise<string> {
  const manifest = await readFile(join(PEERS, "node_modules", name, "package.json"), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

/** Runs a command to its end, and returns what it printed. @throws with its messages if it fails */
function run(title: string, command: string, args: readonly string[], cwd: string): string {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) {
    throw new Error(`${title} failed: ${error?.message ?? stderr}`, { cause: error });
  }
  return stdout;
}

async function startServer(node: string, args: readonly string[], databaseUrl: string): Promise<PeerServer> {
  const inherited = INHERITED.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []));
  const child = spawn(node, args, {
    cwd: ROOT,
    env: {
      ...Object.fromEntries(inherited),
      NODE_ENV: "production",
      GRAPHILE_ENV: "production",
      DATABASE_URL: databaseUrl,
      PORT: "0",
      POWERCRUD_BACKEND: "postgres",
      POWERCRUD_LOG_LEVEL: "warn",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const named = /^ready (\S+)$/.exec(line)?.[1];
      if (named !== undefined) {
        resolve(named);
      }
    });
    void exited.then(() => reject(new Error(`${args.join(" ")} ended before it was ready`)));
  });
  return {
    url: new URL("/graphql", address),
    async cpuMs() {
      const stat = await readFile(`/proc/${child.pid}/stat`, "utf8").catch(() => "");
      // Behind the program's name in brackets: user and system time are the 12th and 13th.
      const [user, system] = stat
        .slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .slice(11, 13);
      return (Number(user) + Number(system)) * TICK_MS;
    },
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}
