import { Busboy } from "@fastify/busboy";
import { AppError } from "../kernel/app-error.ts";
import type { ImportEncoding, ImportFormat } from "../core/imports/import-form.ts";
import type { IncomingMessage } from "node:http";
import type { Readable, Writable } from "node:stream";
import { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

/** A file that a client is sending. */
export interface UploadedFile {
  /** The file's bytes, unpacked. */
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly format: ImportFormat | undefined;
  /** As the content type says. */
  readonly encoding: ImportEncoding | undefined;
  readonly name: string | undefined;
  countReceived(): number;
  /** Makes `bytes` throw. */
  stop(): void;
}

/** Unpacked, a file may have this many times its bytes; what packs better is an attack. */
const MAX_RATIO = 250;
/** From so many bytes on. */
const RATIO_FROM = 16 * 1024 * 1024;

/**
 * The file of a request: its body, or the one file of a form.
 * @param idleMs how long the client may send nothing
 * @throws AppError VALIDATION_FAILED for a body that holds no such file, in an encoding that is not known
 */
export async function uploadedFile(request: IncomingMessage, idleMs: number): Promise<UploadedFile> {
  const { type, parameters } = contentTypeOf(request.headers["content-type"]);
  const watched = watchBody(request, idleMs);
  const plain = unpack(request, watched.body, () => watched.count());
  if (type === "multipart/form-data") {
    const file = await fileOfForm(request, plain);
    return {
      ...watched,
      ...file,
      countReceived: watched.count,
      stop: () => watched.stop(file.stream),
      bytes: file.stream,
    };
  }
  return {
    bytes: plain,
    format: FORMATS[type],
    encoding: encodingOf(parameters),
    name: undefined,
    countReceived: watched.count,
    stop: () => watched.stop(plain),
  };
}

const FORMATS: Readonly<Record<string, ImportFormat>> = {
  "text/csv": "CSV",
  "application/csv": "CSV",
  "text/tab-separated-values": "CSV",
  "application/jsonl": "JSONL",
  "application/x-jsonl": "JSONL",
  "application/jsonlines": "JSONL",
  "application/x-ndjson": "JSONL",
  "application/ndjson": "JSONL",
};

const CHARSETS: Readonly<Record<string, ImportEncoding>> = {
  "utf-8": "UTF-8",
  utf8: "UTF-8",
  "iso-8859-1": "ISO-8859-1",
  latin1: "ISO-8859-1",
  "windows-1252": "ISO-8859-1",
  "utf-16le": "UTF-16LE",
  "utf-16be": "UTF-16BE",
};

interface ContentType {
  readonly type: string;
  readonly parameters: string;
}

function contentTypeOf(header = ""): ContentType {
  const [type = "", ...parameters] = header.split(";");
  return { type: type.trim().toLowerCase(), parameters: parameters.join(";") };
}

function encodingOf(parameters: string): ImportEncoding | undefined {
  const [, charset = ""] = /charset="?([\w-]+)/i.exec(parameters) ?? [];
  return CHARSETS[charset.toLowerCase()];
}

/** The body, counted, and broken off when the client sends nothing for too long, or leaves. */
function watchBody(request: IncomingMessage, idleMs: number) {
  let bytes = 0;
  const body = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  const idle = setTimeout(() => body.destroy(broken(`Nothing came for ${idleMs} ms.`)), idleMs).unref();
  request.on("data", () => idle.refresh());
  request.once("close", () => {
    clearTimeout(idle);
    if (!request.complete) {
      body.destroy(broken("The client left."));
    }
  });
  request.on("error", () => body.destroy(broken("The client left.")));
  body.on("error", () => clearTimeout(idle));
  body.on("close", () => clearTimeout(idle));
  request.pipe(body);
  return {
    body,
    count: () => bytes,
    stop(file: Readable) {
      request.unpipe(body);
      file.destroy(broken("Nobody needs the file any more."));
      body.destroy();
    },
  };
}

function broken(reason: string): Error {
  return Object.assign(new Error(reason), { code: "ECONNRESET" });
}

function unpack(request: IncomingMessage, body: Readable, received: () => number): Readable {
  const coding = (request.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  const unpacker = UNPACKERS[coding];
  if (coding === "identity" || coding === "") {
    return body;
  }
  if (unpacker === undefined) {
    const known = Object.keys(UNPACKERS).join(", ");
    throw new AppError(
      "VALIDATION_FAILED",
      `The content encoding "${coding.slice(0, 60)}" is not known. Known are ${known}.`,
    );
  }
  const unpacked = unpacker();
  let bytes = 0;
  const bounded = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.length;
      done(bytes > RATIO_FROM && bytes > received() * MAX_RATIO ? bomb() : null, chunk);
    },
  });
  // Who reads learns of the error by reading; without a listener it would end the process where nobody reads.
  bounded.on("error", () => undefined);
  body.on("error", (error) => bounded.destroy(error));
  unpacked.on("error", (error) => bounded.destroy(unpackError(coding, error)));
  bounded.on("close", () => unpacked.destroy());
  return body.pipe(unpacked).pipe(bounded);
}

const UNPACKERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip(),
  "x-gzip": () => createGunzip(),
  deflate: () => createInflate(),
  br: () => createBrotliDecompress(),
};

function bomb(): AppError {
  return new AppError(
    "LIMIT_EXCEEDED",
    `The file grows to more than ${MAX_RATIO} times its size when it is unpacked. Send it as it is.`,
    { details: { limit: MAX_RATIO } },
  );
}

function unpackError(coding: string, error: unknown): AppError {
  return new AppError("VALIDATION_FAILED", `The body is not ${coding}, or it breaks off.`, { cause: error });
}

/** The one file of a form. Its parameters are in the query string, so that they are known before the file. */
function fileOfForm(
  request: IncomingMessage,
  body: Readable,
): Promise<Pick<UploadedFile, "format" | "encoding" | "name"> & { readonly stream: Readable }> {
  return new Promise((resolve, reject) => {
    let stream: Readable | undefined;
    const fail = (error: Error): void => {
      stream?.destroy(error);
      reject(error);
    };
    const form = new Busboy({
      headers: { ...request.headers, "content-type": request.headers["content-type"] ?? "" },
      limits: { fields: 20, fieldSize: 10_000, parts: 30 },
    });
    form.on("field", (name) =>
      fail(formProblem(`The form has a field "${name.slice(0, 60)}". Give parameters in the query string.`)),
    );
    form.on("file", (_field, file, name, _coding, mime) => {
      if (stream !== undefined) {
        file.resume();
        fail(formProblem("The form holds several files. Send one at a time."));
        return;
      }
      const { type, parameters } = contentTypeOf(mime);
      stream = untilFormEnds(file, form);
      const byName = /\.(?:jsonl|ndjson)$/i.test(name ?? "")
        ? "JSONL"
        : /\.(?:csv|tsv|txt)$/i.test(name ?? "")
          ? "CSV"
          : undefined;
      resolve({
        stream,
        format: FORMATS[type] ?? byName,
        encoding: encodingOf(parameters),
        name: name?.slice(0, 200),
      });
    });
    form.on("error", (error) => fail(formProblem("The form cannot be read, or it breaks off.", error)));
    form.on("finish", () => {
      if (stream === undefined) {
        fail(formProblem("The form holds no file."));
      }
    });
    body.on("error", fail);
    body.pipe(form);
  });
}

/** A file that ends with its form: until then, another file may follow, which is refused. */
function untilFormEnds(file: Readable, form: Writable): Readable {
  const whole = new Transform({
    transform: (chunk, _encoding, done) => done(null, chunk),
    flush(done) {
      if (form.writableFinished) {
        done();
      } else {
        form.once("finish", () => done());
      }
    },
  });
  whole.on("error", () => undefined);
  file.on("error", (error: Error) => whole.destroy(error));
  return file.pipe(whole);
}

function formProblem(message: string, cause?: unknown): AppError {
  return new AppError("VALIDATION_FAILED", message, { cause });
}
