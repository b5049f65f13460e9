import { Agent, request } from "node:http";

/** Requests under way at any time, each on a connection of its own that is kept. */
const CONNECTIONS = 20;

/** One operation. */
export interface PeerRequest {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Part of a right answer's text. An answer without it, or with errors, fails the run. Default: any data */
  readonly expects?: string;
}

/** What a turn of requests took. */
export interface Turn {
  readonly perSecond: number;
  readonly latenciesMs: readonly number[];
}

/** An HTTP client that does nothing but send and read. */
export interface PeerClient {
  /** The text of one answer. @throws if it has errors, or lacks what is expected */
  ask(url: URL, operation: PeerRequest): Promise<string>;
  /** Sends requests on all connections until the time is over, then waits for the last answers. */
  run(url: URL, durationMs: number, next: () => PeerRequest): Promise<Turn>;
  close(): void;
}

export function createPeerClient(): PeerClient {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const ask = async (url: URL, { query, variables, expects = '"data"' }: PeerRequest): Promise<string> => {
    const answer = await post(agent, url, JSON.stringify({ query, variables }));
    if (!answer.includes(expects) || answer.includes('"errors"')) {
      throw new Error(`${url.href} answers ${query} with ${answer.slice(0, 400)}`);
    }
    return answer;
  };
  return {
    ask,
    async run(url, durationMs, next) {
      const latenciesMs: number[] = [];
      const start = performance.now();
      const end = start + durationMs;
      const work = async (): Promise<void> => {
        for (let sent = performance.now(); sent < end;) {
          await ask(url, next());
          const now = performance.now();
          latenciesMs.push(now - sent);
          sent = now;
        }
      };
      await Promise.all(Array.from({ length: CONNECTIONS }, work));
      return { perSecond: (latenciesMs.length * 1000) / (performance.now() - start), latenciesMs };
    },
    close: () => agent.destroy(),
  };
}

function post(agent: Agent, url: URL, body: string): Promise<string> {
  const { hostname, port, pathname } = url;
  return new Promise((resolve, reject) => {
    const headers = {
      "content-type": "application/json",
      accept: "application/json",
      "content-length": Buffer.byteLength(body),
    };
    const sent = request({ agent, hostname, port, path: pathname, method: "POST", headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (text += part));
      response.once("end", () => resolve(text));
      response.once("error", reject);
    });
    sent.once("error", (error: NodeJS.ErrnoException) => {
      // The server closed a connection that had been idle, just when it was used again.
      if (sent.reusedSocket && error.code === "ECONNRESET") {
        resolve(post(agent, url, body));
      } else {
        reject(error);
      }
    });
    sent.end(body);
  });
}
