import type { IncomingHttpHeaders } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { withDeadline } from "../../support/deadline.ts";
import type { Answer } from "./notify-fixture.ts";

/** A secret as Standard Webhooks wants it. */
export const WEBHOOK_SECRET = `whsec_${Buffer.from("a secret of thirty-two characters").toString("base64")}`;

/** A request that arrived, its signature checked. */
export interface ReceivedWebhook {
  readonly id: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Answer;
}

/** How the receiver answers a request. Resolves when it has answered. */
export type Respond = (
  received: ReceivedWebhook,
  answer: (status: number, headers?: Record<string, string>, body?: string) => void,
) => void | Promise<void>;

/** A real HTTP server that checks each signature with the package of the specification. */
export interface WebhookReceiver {
  readonly url: string;
  readonly received: readonly ReceivedWebhook[];
  /** From now on; until then 204. */
  respond(respond: Respond): void;
  /** The requests to the path, once there are that many. */
  arrived(path: string, count?: number): Promise<readonly ReceivedWebhook[]>;
  stop(): Promise<void>;
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  const waiting = new Set<() => void>();
  let respond: Respond = (_received, answer) => answer(204);
  const server = createServer((request, response) => {
    void (async () => {
      const text = Buffer.concat(await request.toArray()).toString();
      const body: Answer = new Webhook(WEBHOOK_SECRET).verify(
        text,
        request.headers as Record<string, string>,
      );
      const id = String(request.headers["webhook-id"]);
      const one = { id, path: request.url ?? "", headers: request.headers, body };
      received.push(one);
      waiting.forEach((look) => look());
      await respond(one, (status, headers = {}, answer = "") => {
        response.writeHead(status, headers).end(answer);
      });
    })();
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    respond: (next) => (respond = next),
    arrived(path, count = 1) {
      const found = (): readonly ReceivedWebhook[] => received.filter((one) => one.path === path);
      const arrival = new Promise<readonly ReceivedWebhook[]>((resolve) => {
        const look = (): void => {
          if (found().length >= count) {
            waiting.delete(look);
            resolve(found());
          }
        };
        waiting.add(look);
        look();
      });
      return withDeadline(arrival, 45_000, `${count} webhooks at ${path}`);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}
