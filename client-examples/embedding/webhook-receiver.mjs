// Receives webhooks of the service, checks their signatures, and prints each one once.
// POWERCRUD_WEBHOOK_SECRET is the service's secret, PORT the port to listen at.
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.POWERCRUD_WEBHOOK_SECRET ?? "");
/** A webhook comes again if its answer was lost; its id stays. A real receiver keeps the ids in its database. */
const seen = new Set();

const server = createServer(async (request, response) => {
  const body = await text(request);
  let payload;
  try {
    payload = webhook.verify(body, request.headers);
  } catch {
    console.log("refused: the signature is wrong");
    response.writeHead(401).end();
    return;
  }
  const id = request.headers["webhook-id"];
  if (!seen.has(id)) {
    seen.add(id);
    console.log(`received ${JSON.stringify(payload)}`);
  }
  response.writeHead(204).end();
});
server.listen(Number(process.env.PORT ?? 4100), "127.0.0.1", () => {
  console.log(`ready http://127.0.0.1:${server.address().port}/`);
});
