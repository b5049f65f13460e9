import { createInterface } from "node:readline";
import { WebSocket } from "ws";

/** What the sockets' process is told as JSON in its argument. */
export interface FanoutSockets {
  readonly url: string;
  readonly sockets: number;
  readonly query: string;
}

/** Its answer to each line on its input. */
export interface ReceivedCount {
  readonly messages: number;
  /** Messages about the end of a task. */
  readonly ends: number;
}

/** Sockets that are being opened at a time. */
const OPENING = 50;

const { url, sockets, query } = JSON.parse(process.argv[2] ?? "{}") as FanoutSockets;
let messages = 0;
let ends = 0;
const END = Buffer.from('"CLEANUP"');

let waiting = sockets;
await Promise.all(
  Array.from({ length: OPENING }, async () => {
    while (waiting > 0) {
      waiting -= 1;
      await open();
    }
  }),
);
console.log("ready");
for await (const _line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify({ messages, ends } satisfies ReceivedCount));
}
process.exit();

/** Opens a socket that subscribes, and counts what comes without reading it, so that the client is not what is measured. */
async function open(): Promise<void> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/graphql`, "graphql-transport-ws", {
    perMessageDeflate: false,
  });
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  socket.on("close", (code) => console.error(`a socket was closed with ${code}`));
  socket.send(JSON.stringify({ type: "connection_init" }));
  await new Promise((resolve) => void socket.once("message", resolve));
  socket.on("message", (data: Buffer) => {
    messages += 1;
    ends += data.includes(END) ? 1 : 0;
  });
  socket.send(JSON.stringify({ id: "5d0f1c7e-events", type: "subscribe", payload: { query } }));
  // An answer to a ping comes after the subscription.
  socket.ping();
  await new Promise((resolve) => void socket.once("pong", resolve));
}
