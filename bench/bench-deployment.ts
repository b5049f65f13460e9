import { createClient } from "graphql-ws";
import pg from "pg";
import { WebSocket } from "ws";
import type { BackendName } from "../src/core/processes/process-register.ts";
import type { BenchProcess } from "./bench-process.ts";
import { startBenchProcess } from "./bench-process.ts";
import type { BenchStores } from "./bench-stores.ts";

/** The parts of an event that the bench selects. */
export interface BenchEvent {
  readonly type: string;
  readonly at: string;
  readonly task: { readonly id: string; readonly label: string | null };
  readonly progress: { readonly processed: number; readonly succeeded: number };
}

/** Processes of the service, an external client, and access to the database. */
export interface BenchDeployment {
  readonly backend: BackendName;
  /** Where the first process serves. */
  readonly url: string;
  readonly pool: pg.Pool;
  /** The processes' ids, in the order of `roles`. */
  readonly pids: readonly number[];
  /** One operation over HTTP. @throws when the answer has errors */
  request<T>(query: string, variables: Record<string, unknown>): Promise<T>;
  /** The events of all tasks, over one WebSocket; ends with the deployment. */
  events(): AsyncIterable<BenchEvent>;
  stop(): Promise<void>;
}

/** The processes to run, and their settings. */
export interface DeploymentOptions {
  readonly backend: BackendName;
  /** `start` is API and worker in one process. The first process must have the API. */
  readonly roles: readonly ("start" | "serve" | "work")[];
  readonly env?: Readonly<Record<string, string>>;
}

const EVENTS = /* GraphQL */ `
  subscription {
    taskEvents {
      type
      at
      task {
        id
        label
      }
      progress {
        processed
        succeeded
      }
    }
  }
`;

/** Starts the processes on the stores. */
export async function startBenchDeployment(
  stores: BenchStores,
  { backend, roles, env = {} }: DeploymentOptions,
): Promise<BenchDeployment> {
  const databaseUrl = stores.databaseUrl(backend);
  const settings = {
    PORT: "0",
    DATABASE_URL: databaseUrl,
    POWERCRUD_BACKEND: backend,
    ...(backend === "redis" ? { REDIS_URL: stores.redisUrl } : {}),
    ...env,
  };
  const processes: BenchProcess[] = [];
  const stopProcesses = async (): Promise<void> => {
    for (const process of processes.toReversed()) {
      await process.stop();
    }
  };
  try {
    for (const role of roles) {
      processes.push(await startBenchProcess(role, settings));
    }
  } catch (error) {
    await stopProcesses();
    throw error;
  }
  const url = processes[0]?.address ?? "";
  const socket = createClient({ url: `${url.replace(/^http/, "ws")}/graphql`, webSocketImpl: WebSocket });
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 });
  return {
    backend,
    url,
    pool,
    pids: processes.map(({ pid }) => pid),
    request: (query, variables) => request(`${url}/graphql`, query, variables),
    async *events() {
      for await (const { data } of socket.iterate<{ taskEvents: BenchEvent }>({ query: EVENTS })) {
        if (data) {
          yield data.taskEvents;
        }
      }
    },
    async stop() {
      await socket.dispose();
      await stopProcesses();
      await pool.end();
    },
  };
}

async function request<T>(url: string, query: string, variables: Record<string, unknown>): Promise<T> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: T; errors?: unknown };
  if (errors !== undefined) {
    throw new Error(JSON.stringify(errors));
  }
  return data;
}
