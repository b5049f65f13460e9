import type { IncomingMessage, ServerResponse } from "node:http";

/** Answers requests for the board. */
export type BoardHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Its page would ask Google for its fonts, and tell who looks. It has everything else itself. */
const OWN_CONTENT_ONLY = "default-src 'self' 'unsafe-inline' data: blob:";

/**
 * Opens Bull Board on a queue of BullMQ, if the project has installed it. It can look, and change nothing.
 * @param queue a `Queue` of BullMQ
 * @param basePath where the pages are, such as `/queues`; the handler strips it
 * @returns undefined where one of its packages is missing
 */
export async function openBullBoard(queue: object, basePath: string): Promise<BoardHandler | undefined> {
  const packages = await loadPackages();
  if (packages === undefined) {
    return undefined;
  }
  const { createBullBoard, BullMQAdapter, ExpressAdapter } = packages;
  const express = new ExpressAdapter().setBasePath(basePath);
  // It may bring another version of the API's types along.
  const serverAdapter = express as unknown as Parameters<typeof createBullBoard>[0]["serverAdapter"];
  const adapter = new BullMQAdapter(queue as ConstructorParameters<typeof BullMQAdapter>[0], {
    readOnlyMode: true,
    allowRetries: false,
  });
  createBullBoard({ queues: [adapter], serverAdapter });
  const app = express.getRouter() as BoardHandler;
  return (request, response) => {
    response.setHeader("content-security-policy", OWN_CONTENT_ONLY);
    request.url = (request.url ?? "/").slice(basePath.length) || "/";
    app(request, response);
  };
}

/** Optional peers, so they are loaded only when somebody looks. */
async function loadPackages() {
  try {
    const [{ createBullBoard }, { BullMQAdapter }, { ExpressAdapter }] = await Promise.all([
      import("@bull-board/api"),
      import("@bull-board/api/bullMQAdapter"),
      import("@bull-board/express"),
    ]);
    return { createBullBoard, BullMQAdapter, ExpressAdapter };
  } catch (error) {
    if ((error as { code?: unknown }).code === "ERR_MODULE_NOT_FOUND") {
      return undefined;
    }
    throw error;
  }
}
