import { Readable } from "node:stream";
import type pg from "pg";
import { csvLine } from "../../../core/files/csv-text.ts";
import type { FileColumn } from "../../../core/files/file-column.ts";
import type { FileReading, FileStyle, FileWriter } from "../../../core/files/file-reading.ts";
import type { ViewerSessions } from "../../../core/access/viewer-sessions.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import { toUnavailableError } from "../../../kernel/unavailable-error.ts";
import { cancelStatement, readOnly } from "../connection/read-connections.ts";
import type { CancellableClient } from "../connection/read-connections.ts";
import type { EarlierStatement } from "../connection/text-query.ts";
import type { RowBytes } from "../connection/streamed-query.ts";
import { StreamedQuery } from "../connection/streamed-query.ts";
import { explainError } from "../records/list-part.ts";
import type { SelectionPorts } from "../records/selection-to-sql.ts";
import { ByteSink } from "./byte-sink.ts";
import type { CellWriter } from "./cell-writer.ts";
import { cellWriter } from "./cell-writer.ts";
import type { FileStatement } from "./file-statement.ts";
import { fileStatement } from "./file-statement.ts";

interface FileWriterPorts extends SelectionPorts {
  readonly pool: pg.Pool;
  /** For the words about a value that the database cannot read. */
  readonly session: Pick<SqlSession, "query">;
  /** On whose behalf files are read. Default: nobody's. */
  readonly sessions?: Pick<ViewerSessions, "current"> | undefined;
}

/** Writes files by one statement each, whose rows are read from the connection as fast as the file's bytes are taken. */
export function createPostgresFileWriter(ports: FileWriterPorts): FileWriter {
  return {
    async open(reading, style, signal) {
      signal.throwIfAborted();
      const statement = await fileStatement(ports, reading);
      const lines = new LineWriter(ports, reading, style, statement);
      const earlier = ports.sessions === undefined ? [] : [readOnly(ports.sessions.current())];
      const client = (await connect(ports.pool)) as CancellableClient;
      const stream = new RecordStream(client, { statement, earlier, lines, signal });
      try {
        await stream.begun();
      } catch (error) {
        const part = { ...reading, isBackward: false, limit: 0 };
        throw await explainError(ports, [[reading.model, part]], error);
      }
      return { chunks: stream, records: () => lines.count };
    },
  };
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw toUnavailableError(error);
  }
}

/** Writes rows of the statement as lines of the file. */
class LineWriter {
  readonly #sink = new ByteSink();
  readonly #cells: readonly CellWriter[];
  /** What stands in front of each cell, and at the end of a line. */
  readonly #before: readonly Buffer[];
  readonly #end: Buffer;
  count = 0;

  constructor(
    { models }: Pick<SelectionPorts, "models">,
    { columns }: FileReading,
    style: FileStyle,
    { readings }: FileStatement,
  ) {
    const isCsv = style.format === "csv";
    this.#cells = readings.map((reading, at) =>
      cellWriter(models.enums(), columns[at] as FileColumn, reading, style),
    );
    this.#before = columns.map(({ header }, at) =>
      Buffer.from(isCsv ? (at === 0 ? "" : ",") : `${at === 0 ? "{" : ","}${JSON.stringify(header)}:`),
    );
    this.#end = Buffer.from(isCsv ? "\r\n" : "}\n");
    if (isCsv) {
      this.#sink.text(csvLine(columns.map(({ header }) => header)));
    }
  }

  row(from: Buffer, start: number): void {
    const sink = this.#sink;
    let at = start + 2;
    for (let cell = 0; cell < this.#cells.length; cell += 1) {
      const { write, ifNull } = this.#cells[cell] as CellWriter;
      const before = this.#before[cell] as Buffer;
      sink.copy(before, 0, before.length);
      const length = from.readInt32BE(at);
      at += 4;
      if (length < 0) {
        sink.copy(ifNull, 0, ifNull.length);
      } else {
        write(sink, from, at, at + length);
        at += length;
      }
    }
    sink.copy(this.#end, 0, this.#end.length);
    this.count += 1;
  }

  take(): Buffer {
    return this.#sink.take();
  }
}

interface StreamParts {
  readonly statement: FileStatement;
  readonly earlier: readonly EarlierStatement[];
  readonly lines: LineWriter;
  readonly signal: AbortSignal;
}

/** The bytes of a file, while its statement runs. */
class RecordStream extends Readable implements RowBytes {
  readonly #client: CancellableClient;
  readonly #lines: LineWriter;
  readonly #query: StreamedQuery;
  readonly #signal: AbortSignal;
  readonly #begun: Promise<void>;
  #isReleased = false;

  constructor(client: CancellableClient, { statement, earlier, lines, signal }: StreamParts) {
    super({ highWaterMark: 256 * 1024 });
    this.#client = client;
    this.#lines = lines;
    this.#signal = signal;
    this.#begun = new Promise((resolve, reject) => {
      this.once("readable", resolve).once("end", resolve).once("error", reject);
    });
    this.#query = new StreamedQuery(statement, earlier, this, (error) => this.#conclude(error));
    signal.addEventListener("abort", this.#onAbort, { once: true });
    client.query(this.#query);
  }

  /** Resolves once there are bytes, or the end. */
  begun(): Promise<void> {
    return this.#begun;
  }

  row(from: Buffer, start: number): void {
    this.#lines.row(from, start);
  }

  chunkEnd(): void {
    if (!this.#isReleased && this.#lines.count > 0 && !this.push(this.#lines.take())) {
      this.#query.pause();
    }
  }

  override _read(): void {
    this.#query.resume();
  }

  readonly #onAbort = (): void => void this.destroy(this.#signal.reason as Error);

  #conclude(error: Error | null): void {
    if (this.#release(error)) {
      if (error === null) {
        this.push(this.#lines.take());
        this.push(null);
      } else {
        this.destroy(toUnavailableError(error) as Error);
      }
    }
  }

  /** The statement of a reader that has left is cancelled; a connection in the middle of it is of no more use. */
  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (this.#release(error ?? new Error("the reader has left"))) {
      void cancelStatement(this.#client);
    }
    callback(error);
  }

  /** @returns false if the connection was given back before */
  #release(fault: Error | null): boolean {
    if (this.#isReleased) {
      return false;
    }
    this.#isReleased = true;
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#client.release(fault ?? undefined);
    return true;
  }
}
