import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "graphql-yoga";
import { createGraphQLError } from "graphql-yoga";
import { AppError } from "../kernel/app-error.ts";
import { createDocumentCache } from "./document-cache.ts";
import type { RequestCode } from "./request-codes.ts";

/** Which documents clients may name by a hash, and which they may send. */
export interface PersistedOptions {
  /** A folder of `.graphql` files that clients name by the SHA-256 of the text. Default: none. */
  readonly folder?: string | undefined;
  /** Whether the folder's documents are the only ones that are executed. Default: false. */
  readonly isFolderOnly?: boolean;
  /** Whether a document may be sent once and named by its hash from then on. Default: true, unless `isFolderOnly`. */
  readonly isAutomatic?: boolean;
}

/** The members of a request that say which document it asks for. */
export interface DocumentRequest {
  readonly query?: unknown;
  readonly documentId?: unknown;
  readonly extensions?: unknown;
}

/** Finds the documents that requests name by hash. */
export interface PersistedDocuments {
  /**
   * The text of the document that a request asks for.
   * @returns what the request has as `query` if it names no document
   * @throws GraphQLError PERSISTED_QUERY_NOT_FOUND, PERSISTED_QUERY_NOT_SUPPORTED, or BAD_REQUEST for a wrong hash
   */
  textOf(request: DocumentRequest): unknown;
  /** Refuses to parse other documents on every transport, where only those of the folder are allowed. The last one to choose how. */
  readonly plugin: Plugin;
}

/** @throws AppError INVALID_CONFIG for a folder that cannot be read, or that is missing where only its documents are allowed */
export function createPersistedDocuments(options: PersistedOptions = {}): PersistedDocuments {
  const { folder, isFolderOnly = false, isAutomatic = true } = options;
  const stored = readFolder(folder, isFolderOnly);
  const texts = new Set(stored.values());
  const sent = isAutomatic && !isFolderOnly ? createDocumentCache<string>() : undefined;
  return {
    textOf(request) {
      const { query } = request;
      const hash = hashOf(request);
      if (hash === undefined) {
        return query;
      }
      if (typeof query !== "string" || query === "") {
        return stored.get(hash) ?? sent?.get(hash) ?? refuseUnknown(sent !== undefined || stored.size > 0);
      }
      if (sha256(query) !== hash) {
        throw refusal(
          "BAD_REQUEST",
          "The hash is not the SHA-256 of `query`: hash the exact text that is sent.",
          400,
        );
      }
      sent?.set(hash, query);
      return query;
    },
    plugin: {
      onParse({ params: { source }, setParseFn }) {
        if (isFolderOnly && !texts.has(typeof source === "string" ? source : source.body)) {
          setParseFn(refuseOther);
        }
      },
    },
  };
}

/** The hash that a request names: Apollo's `extensions.persistedQuery`, or `documentId: "sha256:…"`. */
function hashOf({ documentId, extensions }: DocumentRequest): string | undefined {
  if (typeof documentId === "string") {
    return documentId.replace(/^sha256:/, "").toLowerCase();
  }
  const { persistedQuery } = Object(extensions) as { readonly persistedQuery?: unknown };
  if (persistedQuery == null) {
    return undefined;
  }
  const { version, sha256Hash } = Object(persistedQuery) as { version?: unknown; sha256Hash?: unknown };
  if (version !== 1 || typeof sha256Hash !== "string") {
    const message = '`extensions.persistedQuery` must be `{version: 1, sha256Hash: "…"}`.';
    throw refusal("BAD_REQUEST", message, 400);
  }
  return sha256Hash.toLowerCase();
}

function refuseOther(): never {
  throw refusal(
    "PERSISTED_QUERY_ONLY",
    "Only documents that the service has are executed here. Name one by its hash.",
    400,
  );
}

/** Apollo's clients know these messages; they send the document then. */
function refuseUnknown(isSupported: boolean): never {
  throw isSupported
    ? refusal("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
    : refusal("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported");
}

/** The status is 200 by default: Apollo's clients take another one for a failure of the network. */
function refusal(code: RequestCode, message: string, status = 200): Error {
  return createGraphQLError(message, { extensions: { code, http: { status } } });
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The documents by hash, with the white space around a file's text and without. */
function readFolder(folder: string | undefined, isNeeded: boolean): ReadonlyMap<string, string> {
  const documents = new Map<string, string>();
  if (folder === undefined && isNeeded) {
    throw invalid("POWERCRUD_PERSISTED_DOCUMENTS_ONLY needs a folder in POWERCRUD_PERSISTED_DOCUMENTS.");
  }
  for (const text of folder === undefined ? [] : readTexts(folder)) {
    for (const form of [text, text.trim()]) {
      documents.set(sha256(form), form);
    }
  }
  if (folder !== undefined && documents.size === 0) {
    throw invalid(`POWERCRUD_PERSISTED_DOCUMENTS: there is no .graphql file in ${folder}.`);
  }
  return documents;
}

function readTexts(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(graphql|gql)$/.test(name))
      .map((name) => readFileSync(join(folder, name), "utf8"));
  } catch (error) {
    throw invalid(`POWERCRUD_PERSISTED_DOCUMENTS: ${folder} cannot be read (${(error as Error).message}).`);
  }
}

function invalid(message: string): AppError {
  return new AppError("INVALID_CONFIG", message, { details: { problems: [message] } });
}
