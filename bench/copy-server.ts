import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import pg from "pg";

/** PostgreSQL's own export over HTTP: `COPY … TO STDOUT`, as fast as the client reads. Its argument is the database's URL. */
const pool = new pg.Pool({ connectionString: process.argv[2] ?? "", max: 2 });
const COPY = "COPY (SELECT * FROM city) TO STDOUT WITH (FORMAT csv, HEADER)";

/** The part of pg's connection that is used. */
interface CopyConnection {
  readonly stream: { pause(): void; resume(): void };
  query(text: string): void;
}

/** Sends what COPY gives. pg has no query for it. */
class CopyOut implements pg.Submittable {
  readonly #response: ServerResponse;
  readonly #done: () => void;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(response: ServerResponse, done: () => void) {
    this.#response = response;
    this.#done = done;
  }

  submit(connection: object): void {
    (connection as CopyConnection).query(COPY);
  }

  handleCopyData({ chunk }: { readonly chunk: Buffer }, { stream }: CopyConnection): void {
    this.#parts.push(chunk);
    this.#length += chunk.length;
    if (this.#length >= 65_536 && !this.#flush()) {
      stream.pause();
      this.#response.once("drain", () => stream.resume());
    }
  }

  handleCommandComplete(): void {}

  handleError(error: Error): void {
    this.#response.destroy(error);
    this.#done();
  }

  handleReadyForQuery({ stream }: CopyConnection): void {
    stream.resume();
    this.#flush();
    this.#response.end();
    this.#done();
  }

  #flush(): boolean {
    const bytes = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    return this.#response.write(bytes);
  }
}

const server = createServer((_request, response) => void copy(response));
async function copy(response: ServerResponse): Promise<void> {
  const client = await pool.connect();
  response.writeHead(200, { "content-type": "text/csv" });
  client.query(new CopyOut(response, () => client.release()));
}

server.listen(0, "127.0.0.1");
await once(server, "listening");
console.log(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}`);
process.once("SIGTERM", () => process.exit());
