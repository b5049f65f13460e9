import { writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import type { BenchDeployment } from "./bench-deployment.ts";
import { peakMegabytes } from "./bench-process.ts";
import type { Measure } from "./measure.ts";

const MEGABYTE = 1_048_576;
const HEAD = "id,name,countryCode,population,latitude,longitude\n";

/** A file that nobody means well with. */
interface HostileFile {
  readonly what: string;
  readonly status: number;
  readonly message: RegExp;
  readonly head?: string;
  /** What is sent over and over, in megabytes of it. */
  readonly piece: string | Uint8Array;
  readonly megabytes: number;
  readonly isPacked?: boolean;
}

const row = (population: string): string => `1,"${"Town, town ".repeat(500)}",FR,${population},1.5,2.5\n`;

const FILES: readonly HostileFile[] = [
  {
    what: "a line of 1 GB",
    status: 413,
    message: /more than 1048576 characters/,
    head: `${HEAD}1,`,
    piece: "x",
    megabytes: 1024,
  },
  {
    what: "100,000 columns",
    status: 413,
    message: /more than 2000 columns/,
    head: `${"c,".repeat(100_000)}c\n`,
    piece: `${"1,".repeat(100_000)}1\n`,
    megabytes: 1024,
  },
  {
    what: "a quote that is never closed",
    status: 413,
    message: /A quote in it is not closed/,
    head: `${HEAD}1,"`,
    piece: "x\n",
    megabytes: 1024,
  },
  {
    what: "bytes of another encoding at the end",
    status: 400,
    message: /bytes that are not UTF-8/,
    piece: row("1"),
    megabytes: 64,
  },
  { what: "NULs", status: 400, message: /NUL character/, piece: "\0", megabytes: 1024 },
  { what: "formulas in all numbers", status: 202, message: /rows failed/, piece: row("=1+1"), megabytes: 32 },
  {
    what: "a bomb of line breaks",
    status: 413,
    message: /grows to more than 250 times/,
    piece: "\n",
    megabytes: 4096,
    isPacked: true,
  },
  {
    what: "a bomb of one line",
    status: 413,
    message: /more than (?:1048576 characters|250 times)/,
    head: `${HEAD}1,`,
    piece: "x",
    megabytes: 4096,
    isPacked: true,
  },
];

/**
 * Sends each of them, and tells the memory of the service at its most meanwhile.
 * @throws unless all are refused
 */
export async function refuseHostileFiles({ url, pids }: BenchDeployment): Promise<readonly Measure[]> {
  const pid = pids[0] ?? 0;
  const measures: Measure[] = [];
  for (const file of FILES) {
    await forgetPeak(pid);
    const before = await peakMegabytes(pid);
    const answer = await send(url, file);
    const text = await answer.text();
    if (answer.status !== file.status || !file.message.test(text)) {
      throw new Error(`${file.what}: ${answer.status} ${text.slice(0, 500)}`);
    }
    measures.push({
      name: `resident memory of the service, at most, while it gets ${file.what}`,
      value: `${await peakMegabytes(pid)} MB`,
      floor: `before: ${before} MB`,
      target: "flat",
    });
  }
  return measures;
}

function send(url: string, file: HostileFile): Promise<Response> {
  const bytes = Readable.from(bytesOf(file));
  const body = file.isPacked === true ? bytes.pipe(createGzip()) : bytes;
  return fetch(`${url}/imports/City?operation=create&errorPolicy=skip_failed`, {
    method: "POST",
    headers: {
      "content-type": "text/csv",
      ...(file.isPacked === true ? { "content-encoding": "gzip" } : {}),
    },
    body: Readable.toWeb(body),
    duplex: "half",
  } as RequestInit);
}

function* bytesOf({ what, head = HEAD, piece, megabytes }: HostileFile): Generator<Buffer, undefined> {
  yield Buffer.from(head);
  const megabyte = Buffer.alloc(MEGABYTE - (MEGABYTE % piece.length), piece);
  for (let sent = 0; sent < megabytes; sent += 1) {
    yield megabyte;
  }
  if (what.includes("encoding")) {
    yield Buffer.from([0xe9, 0x0a]);
  }
}

/** The highest memory so far is the present one from now on, on Linux. */
async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, "5").catch(() => undefined);
}
