import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ExecutionArgs } from "graphql";
import { useServer } from "graphql-ws/use/ws";
import { createYoga } from "graphql-yoga";
import { WebSocketServer } from "ws";
import type { PowerCrud } from "../src/compose/create-powercrud.ts";
import { served } from "../src/compose/serve-powercrud.ts";
import { createSilentLogger } from "../src/kernel/logger.ts";
import { createHttpServer } from "../src/server/create-http-server.ts";
import type { TaskProcess } from "./task-project.ts";
import { openTaskProject } from "./task-project.ts";

/** What the server's process is told as JSON in its argument. */
export interface FanoutServer extends TaskProcess {
  /** Whether our server serves the schema, or plain yoga with graphql-ws. */
  readonly isPlain: boolean;
}

const { isPlain, ...options } = JSON.parse(process.argv[2] ?? "{}") as FanoutServer;
const powercrud = await openTaskProject(options);
await powercrud.start();
const { url, stop } = isPlain ? await servePlain(powercrud) : await serveOurs(powercrud);
process.once("SIGTERM", () => {
  void stop()
    .then(() => powercrud.stop())
    .then(() => process.exit());
});
console.log(`ready ${url}`);

interface Served {
  readonly url: string;
  stop(): Promise<void>;
}

async function serveOurs(schema: PowerCrud): Promise<Served> {
  const server = createHttpServer({
    ...served(schema),
    host: "127.0.0.1",
    port: 0,
    logger: createSilentLogger(),
  });
  await server.start();
  return { url: server.url, stop: () => server.stop() };
}

/** As yoga's documentation shows it. */
async function servePlain({ schema }: PowerCrud): Promise<Served> {
  const yoga = createYoga({ schema, context: () => ({ viewer: { id: null } }), logging: false });
  const server = createServer((request, response) => void yoga(request, response));
  const sockets = new WebSocketServer({ server, path: "/graphql" });
  useServer(
    {
      execute: (args) => (args as Enveloped).rootValue.execute(args),
      subscribe: (args) => (args as Enveloped).rootValue.subscribe(args),
      async onSubscribe(context, _id, params) {
        const {
          schema: enveloped,
          execute,
          subscribe,
          contextFactory,
          parse,
          validate,
        } = yoga.getEnveloped({
          ...context,
          req: context.extra.request,
          socket: context.extra.socket,
          params,
        });
        const args = {
          schema: enveloped,
          operationName: params.operationName,
          document: parse(params.query),
          variableValues: params.variables,
          contextValue: await contextFactory(),
          rootValue: { execute, subscribe },
        };
        const errors = validate(args.schema, args.document);
        return errors.length > 0 ? errors : args;
      },
    },
    sockets,
  );
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      sockets.clients.forEach((client) => client.terminate());
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Operation = ReturnType<ReturnType<typeof createYoga>["getEnveloped"]>;

/** Arguments whose root holds what executes them. */
interface Enveloped extends ExecutionArgs {
  readonly rootValue: Pick<Operation, "execute" | "subscribe">;
}
