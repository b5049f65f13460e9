import { gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import { createPowerCrud, createService } from "../../src/index.ts";
import type { Answer } from "./import-fixture.ts";
import { HEAD, useImports } from "./import-fixture.ts";

const imports = useImports();
const { send, cities } = imports;

const row = (id: number): string => `${id},Town ${id},FR,${id},1.5,2.5`;
const rowsUntil = (count: number): string => Array.from({ length: count }, (_, at) => row(at + 1)).join("\n");

interface Hostile {
  readonly what: string;
  readonly file: () => BodyInit;
  /** Default: 400. */
  readonly status?: number;
  readonly message: RegExp;
  /** Its content encoding. */
  readonly packing?: string;
  readonly operation?: string;
}

describe("a file that cannot be read", () => {
  /** A body of so many pieces, of which no more is made than is taken. */
  function stream(head: string, piece: Uint8Array, count: number): ReadableStream<Uint8Array> {
    let sent = -1;
    return new ReadableStream({
      pull(controller) {
        controller.enqueue(sent === -1 ? new TextEncoder().encode(head) : piece);
        sent += 1;
        if (sent === count) {
          controller.close();
        }
      },
    });
  }

  const megabyte = new Uint8Array(1_048_576).fill(120);

  it.each<Hostile>([
    {
      what: "a line of 1 GB",
      file: () => stream(`${HEAD}\n1,`, megabyte, 1024),
      status: 413,
      message: /row that begins on line 2 has more than 1048576 characters/,
    },
    {
      what: "100,000 columns",
      file: () => `${Array.from({ length: 100_000 }, (_, at) => `c${at}`).join(",")}\n`,
      status: 413,
      message: /more than 2000 columns/,
    },
    {
      what: "a quote that is not closed",
      file: () => `${HEAD}\n${row(1)}\n2,"Lyon,FR\n${row(3)}`,
      message: /quote that opens in the row of line 3 is not closed/,
    },
    {
      what: "a quote in the middle of a cell",
      file: () => `${HEAD}\n${row(1)}\n2,5" pipe,FR,1,1,1\n3,6" pipe,FR,1,1,1`,
      message: /row of line 3 has a quote in the middle/,
    },
    {
      what: "a NUL",
      file: () => `${HEAD}\n${row(1)}\n2,L\u0000yon,FR,1,1,1`,
      message: /Line 3 has a NUL character/,
    },
    {
      what: "bytes that are no UTF-8, far behind",
      file: () => new Blob([`${HEAD}\n${rowsUntil(5000)}\n`, new Uint8Array([0xe9, 0x0a])]),
      message: /Line 5002 has bytes that are not UTF-8.*encoding=ISO-8859-1/,
    },
    {
      what: "an unknown packing",
      file: () => HEAD,
      message: /content encoding "zip" is not known. Known are gzip/,
      packing: "zip",
    },
    { what: "a broken packing", file: () => HEAD, message: /body is not gzip/, packing: "gzip" },
    {
      what: "a bomb of line breaks",
      file: () => gzipSync(Buffer.alloc(20_000_000, 10)),
      status: 413,
      message: /grows to more than 250 times/,
      packing: "gzip",
    },
    { what: "nothing", file: () => "", message: /file is empty/ },
    {
      what: "no key",
      file: () => "name,population\nx,1",
      message: /no column id, by which/,
      operation: "update",
    },
  ])(
    "is refused with its line and the reason, and memory stays flat: $what",
    async ({ file, status = 400, message, packing, operation = "create" }) => {
      const body = file();
      const before = process.memoryUsage().rss;
      const headers = packing === undefined ? {} : { "content-encoding": packing };
      const answer = await send(`City?operation=${operation}&errorPolicy=skip_failed`, body, { headers });
      expect(answer).toMatchObject({
        status,
        body: { errors: [{ message: expect.stringMatching(message) }] },
      });
      const left = await imports.client.query("SELECT count(*)::int AS rows FROM powercrud.import_rows");
      expect(left.rows).toEqual([{ rows: 0 }]);
      expect(await cities()).toEqual([]);
      expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
    },
  );

  it("is refused above the limits of the service", async () => {
    const small = await createService({
      config: demoConfig,
      databaseUrl: imports.database.url,
      // setting: POWERCRUD_IMPORT_MAX_BYTES
      // setting: POWERCRUD_IMPORT_MAX_ROWS
      // setting: POWERCRUD_IMPORT_MAX_ROW_LENGTH
      settings: { port: 0, importMaxBytes: 500, importMaxRows: 3, importMaxRowLength: 100 },
    });
    await small.start();
    onTestFinished(() => small.stop());
    const refusal = async (body: string): Promise<string | undefined> => {
      const answer = await fetch(`${small.url}/imports/City?operation=create`, {
        method: "POST",
        body,
        headers: { "content-type": "text/csv" },
      });
      expect(answer.status).toBe(413);
      return ((await answer.json()) as Answer["body"]).errors[0]?.message;
    };
    expect(await refusal(`${HEAD}\n${rowsUntil(4)}`)).toContain("The file has more than 3 rows");
    expect(await refusal(`${HEAD}\n1,${"x".repeat(120)},FR`)).toContain(
      "line 2 has more than 100 characters",
    );
    expect(await refusal(`${HEAD}\n${"\n".repeat(600)}`)).toContain("more than 500 bytes");
    expect(await cities()).toEqual([]);
  });
});

describe("a file that does not come", () => {
  /** The states of the latest import, once its task has settled, and nothing of its rows is left. */
  async function ended(): Promise<{ readonly status: string; readonly message: string | null }> {
    const [latest] = (
      await imports.client.query("SELECT task_id FROM powercrud.import ORDER BY task_id DESC LIMIT 1")
    ).rows;
    const { status, message } = await imports.service.powercrud.tasks.wait(latest.task_id);
    const left = `SELECT FROM powercrud.import_rows WHERE task_id = $1 UNION ALL SELECT FROM powercrud.chunk WHERE task_id = $1`;
    await vi.waitFor(
      async () => expect((await imports.client.query(left, [latest.task_id])).rows).toEqual([]),
      20_000,
    );
    return { status, message };
  }

  /** A file that waits in its middle until the test says how it goes on. */
  function openFile() {
    let go: (rest: string | undefined) => void = () => undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode(`${HEAD}\n${rowsUntil(6000)}\n`)),
      async pull(controller) {
        const rest = await new Promise<string | undefined>((resolve) => (go = resolve));
        if (rest === undefined) {
          controller.error(new Error("the connection breaks"));
        } else {
          controller.enqueue(new TextEncoder().encode(rest));
          controller.close();
        }
      },
    });
    return { body, go: (rest?: string) => go(rest) };
  }

  async function receiving(): Promise<string> {
    return vi.waitFor(async () => {
      const { rows } = await imports.client.query(
        "SELECT task_id FROM powercrud.import i JOIN powercrud.task t ON t.id = i.task_id WHERE t.status = 'RECEIVING' AND i.rows > 0",
      );
      expect(rows).toHaveLength(1);
      return rows[0].task_id as string;
    }, 20_000);
  }

  it("leaves nothing when the connection breaks", async () => {
    const file = openFile();
    const sent = send("City?operation=create", file.body).catch((error: unknown) => error);
    await receiving();
    file.go();
    expect(await sent).toBeInstanceOf(Error);
    expect(await ended()).toEqual({
      status: "FAILED",
      message: expect.stringMatching(/The upload broke off after \d+ bytes. Nothing was changed/),
    });
    expect(await cities()).toEqual([]);
  });

  it("leaves nothing when its task is cancelled, and says so while it is still coming", async () => {
    const file = openFile();
    const sent = send("City?operation=create", file.body);
    const id = await receiving();
    const { tasks } = imports.service.powercrud;
    expect(await tasks.pause(id)).toMatchObject({ kind: "NOT_PAUSABLE" });
    expect(await tasks.cancel(id)).toMatchObject({ kind: "CANCELLED", task: { status: "CANCELLED" } });
    expect(await sent).toMatchObject({
      status: 409,
      body: { errors: [{ extensions: { code: "TASK_SETTLED", task: { id, status: "CANCELLED" } } }] },
    });
    expect(await ended()).toMatchObject({ status: "CANCELLED" });
    expect(await cities()).toEqual([]);
  });

  it("ends the task that waits for it in vain", async () => {
    const impatient = await createPowerCrud({
      config: demoConfig,
      databaseUrl: imports.database.url,
      role: "client",
      // setting: POWERCRUD_IMPORT_WAIT_MS
      settings: { importWaitMs: 0 },
    });
    onTestFinished(() => impatient.stop());
    const opened = await impatient.imports.open({
      viewer: { id: "ada" },
      form: { model: "City", operation: "CREATE", format: "CSV" },
      options: {},
    });
    expect(opened).toMatchObject({ kind: "LAUNCHED", task: { status: "RECEIVING" } });
    // The service's own sweeper may have been first.
    await imports.service.powercrud.tasks.sweep();
    expect(await ended()).toMatchObject({
      status: "FAILED",
      message: expect.stringContaining("did not come"),
    });
  });
});
