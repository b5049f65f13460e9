import { createGraphQLError } from "graphql-yoga";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ErrorCode } from "../kernel/error-codes.ts";
import type { ByteBudget } from "./byte-budget.ts";

/** How bodies are limited. */
export interface BodyLimits {
  /** Bytes of this body. */
  readonly maxBytes: number;
  /** For the bodies of all requests that are not answered yet. */
  readonly budget: ByteBudget;
}

/**
 * Reads the body, up to the limit; node drops the rest.
 * @param response its bytes count until this is sent: the operation holds what the body said
 * @returns undefined if the client left
 * @throws GraphQLError REQUEST_ENTITY_TOO_LARGE, as yoga's; UNAVAILABLE, when the bodies of all clients are too large
 */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  { maxBytes, budget }: BodyLimits,
): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let taken = 0;
    const refuse = (error: Error): void => {
      request.off("data", take);
      request.resume();
      chunks.length = 0;
      reject(error);
    };
    const leave = (): void => resolve(undefined);
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > maxBytes) {
        refuse(tooLarge());
      } else if (budget.take(chunk.length)) {
        taken += chunk.length;
        chunks.push(chunk);
      } else {
        refuse(tooMuchAtOnce());
      }
    };
    // None of these events comes twice, and `once` costs an object and a function each.
    response.on("close", () => budget.giveBack(taken));
    if (Number(request.headers["content-length"] ?? 0) > maxBytes) {
      refuse(tooLarge());
      return;
    }
    request.on("data", take);
    request.on("end", () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.on("error", leave);
    request.on("close", leave);
  });
}

function tooLarge(): Error {
  return createGraphQLError("Request body too large", {
    extensions: { code: "REQUEST_ENTITY_TOO_LARGE", http: { status: 413 } },
  });
}

function tooMuchAtOnce(): Error {
  return createGraphQLError(
    "The service is receiving too much at once. Nothing was changed; try again later.",
    {
      extensions: {
        code: "UNAVAILABLE" satisfies ErrorCode,
        http: { status: 503, headers: { "retry-after": "1", connection: "close" } },
      },
    },
  );
}
