import type { IncomingMessage, ServerResponse } from "node:http";
import { isAppError } from "../kernel/app-error.ts";
import type { Callers } from "./callers/callers.ts";
import { headOf, sendAppError, sendRefusal } from "./http-messages.ts";

/** Where the queue's board is. */
export const BOARD_PATH = "/queues";

/** Opens the queue's board below {@link BOARD_PATH}; undefined where its packages are not installed. */
export type OpenBoard = (
  basePath: string,
) => Promise<((request: IncomingMessage, response: ServerResponse) => void) | undefined>;

/** Answers requests at `/queues/`. */
export type QueueBoardHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * The queue's board, which shows everybody's tasks. Where callers must identify themselves, it is for administrators. Where
 * they need not, it is for whoever sits at the machine: there only while the service listens on a loopback address, and under
 * a name of it. It only reads.
 * @param isLocal whether a host name is a loopback address
 */
export function createQueueBoardHandler(options: {
  readonly open: OpenBoard;
  readonly listenHost: string;
  readonly isLocal: (hostname: string) => boolean;
  readonly callers: Callers;
}): QueueBoardHandler {
  const { open, listenHost, isLocal, callers } = options;
  let board: ReturnType<OpenBoard> | undefined;
  return async (request, response) => {
    if (callers.isRequired) {
      if (!(await isForAdmin(callers, request, response))) {
        return;
      }
    } else if (!isLocal(listenHost) || !isLocal(hostOf(request))) {
      const message = `Without authentication, the board is shown only where the service listens on a loopback address (HOST), and only under that address.`;
      sendRefusal(response, 403, "VALIDATION_FAILED", message);
      return;
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      sendRefusal(response, 405, "VALIDATION_FAILED", "The board can only be looked at.");
      return;
    }
    board ??= open(BOARD_PATH);
    const handle = await board;
    if (handle === undefined) {
      const message =
        "Bull Board is not installed. Run: npm install @bull-board/api@9 @bull-board/express@9, and restart the service.";
      sendRefusal(response, 404, "NOT_FOUND", message);
    } else if (request.url === BOARD_PATH) {
      // Its pages have relative links.
      response.writeHead(302, { location: `${BOARD_PATH}/` }).end();
    } else {
      handle(request, response);
    }
  };
}

/** @returns false when the caller is no administrator, and is told so */
async function isForAdmin(
  callers: Callers,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  try {
    const { viewer } = await callers.identify(headOf(request, response));
    if (callers.isAdmin(viewer)) {
      return true;
    }
    sendRefusal(response, 403, "FORBIDDEN", "The board is for administrators.");
  } catch (error) {
    if (!isAppError(error) || error.code === "INTERNAL") {
      throw error;
    }
    sendAppError(response, error);
  }
  return false;
}

/** The host name of the request's Host header. A page whose own name leads to this machine sends that name. */
function hostOf({ headers: { host = "" } }: IncomingMessage): string {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : "";
}
