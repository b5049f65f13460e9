import type { Client as SocketClient } from "graphql-ws";
import { createClient as createSocketClient } from "graphql-ws";
import type { Client, OperationResult } from "urql";
import type { TypedDocumentString } from "../generated/graphql.ts";
import { createClient, createRequest, fetchExchange } from "urql";
import type { OperationDefinitionNode } from "graphql";
import { OperationTypeNode } from "graphql";

/** Whether messages come through, and since when. */
export interface LinkState {
  readonly isOnline: boolean;
  readonly since: Date;
}

/** A subscription that outlives lost connections. */
export interface Following<Data, Variables> {
  readonly document: TypedDocumentString<Data, Variables>;
  /** Asked before each try, so that a later one goes on where the last message was. Where it rejects, the try has failed. */
  readonly variables: () => Variables | Promise<Variables>;
  readonly onData: (data: Data) => void;
  /** Called when the socket is there, and before each further try: nobody told of what happened until then. */
  readonly onStart?: () => void;
  /** A refusal by the service. It ends the subscription. */
  readonly onRefusal?: (message: string) => void;
}

/** The way to the service: requests by HTTP, subscriptions through one socket. */
export interface Connection {
  readonly link: { read(): LinkState; subscribe(listener: () => void): () => void };
  /** Runs a document and gives its data. @throws Error with the service's message */
  request<Data, Variables extends object>(
    document: TypedDocumentString<Data, Variables> | string,
    variables: Variables,
  ): Promise<Data>;
  /** @returns ends it */
  follow<Data, Variables extends Record<string, unknown>>(following: Following<Data, Variables>): () => void;
  /** Fetches a file of the service and lets the browser keep it. @throws Error with what the service said */
  download(path: string, name: string): Promise<void>;
  /** The beginning of a file of the service, as text. @throws Error with what the service said */
  readStart(path: string, mostBytes: number): Promise<string>;
  /** Sends a file with PUT. Resolves with the answer's end. @throws Error with what the service said */
  upload(path: string, body: Blob, type: string): Promise<void>;
  close(): void;
}

/** The socket's close code for a caller that is refused. */
const REFUSED_CLOSE = 4403;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;

/**
 * @param token sent with every request; undefined where the service asks for none
 * @param onExpired called when the service no longer takes the token
 */
export function connect(url: URL, token: string | undefined, onExpired: () => void): Connection {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const client = createClient({
    url: url.href,
    exchanges: [fetchExchange],
    preferGetMethod: false,
    requestPolicy: "network-only",
    fetchOptions: { headers },
  });
  const link = createLink();
  const socketUrl = new URL(url);
  socketUrl.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socket = createSocketClient({
    url: socketUrl.href,
    // Each subscription tries again by itself, since it goes on with other variables.
    retryAttempts: 0,
    connectionParams: token === undefined ? {} : { authorization: `Bearer ${token}` },
    on: {
      connected: () => link.set(true),
      closed: (event) => {
        link.set(false);
        if ((event as { readonly code?: unknown }).code === REFUSED_CLOSE) {
          onExpired();
        }
      },
    },
  });
  return {
    link,
    request: (document, variables) => request(client, document, variables, onExpired),
    follow: (following) => follow(socket, following),
    download: (path, name) => download(new URL(path, url), headers, name),
    readStart: (path, mostBytes) => readStart(new URL(path, url), headers, mostBytes),
    upload: async (path, body, type) => {
      await ask(new URL(path, url), { method: "PUT", body, headers: { ...headers, "content-type": type } });
    },
    close: () => void socket.dispose(),
  };
}

/** @throws Error with what the service said */
async function ask(url: URL, init: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(url, init);
  } catch {
    throw new Error("The service cannot be reached.");
  }
  if (answer.ok) {
    return answer;
  }
  const { errors } = (await answer.json().catch(() => ({}))) as {
    readonly errors?: readonly { readonly message: string }[];
  };
  const said = errors?.map(({ message }) => message).join(" ");
  throw new Error(said ?? `The service answered with status ${answer.status}.`);
}

async function readStart(url: URL, headers: Record<string, string>, mostBytes: number): Promise<string> {
  const { body } = await ask(url, { headers });
  const decoder = new TextDecoder();
  let text = "";
  const reader = body?.getReader();
  for (let bytes = 0; bytes < mostBytes;) {
    const part = await reader?.read();
    if (part?.value === undefined) {
      return text;
    }
    bytes += part.value.length;
    text += decoder.decode(part.value, { stream: true });
  }
  await reader?.cancel();
  return text;
}

/**
 * Where no key is needed, the browser takes the file as it comes. A link could not send a key, and could not say why there is no
 * file: then it is held until it is whole.
 */
async function download(url: URL, headers: Record<string, string>, name: string): Promise<void> {
  const isOpen = headers["authorization"] === undefined;
  const isFree =
    isOpen &&
    (await fetch(url, { method: "HEAD" }).then(
      ({ ok }) => ok,
      () => false,
    ));
  const href = isFree ? url.href : URL.createObjectURL(await (await ask(url, { headers })).blob());
  Object.assign(document.createElement("a"), { href, download: name }).click();
  if (!isFree) {
    URL.revokeObjectURL(href);
  }
}

function createLink(): Connection["link"] & { set(isOnline: boolean): void } {
  let state: LinkState = { isOnline: true, since: new Date() };
  const listeners = new Set<() => void>();
  return {
    read: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set(isOnline) {
      if (state.isOnline !== isOnline) {
        state = { isOnline, since: new Date() };
        listeners.forEach((listener) => listener());
      }
    },
  };
}

async function request<Data, Variables extends object>(
  client: Client,
  document: TypedDocumentString<Data, Variables> | string,
  variables: Variables,
  onExpired: () => void,
): Promise<Data> {
  const asked = createRequest<Data, Variables>(String(document), variables);
  const definition = asked.query.definitions.find(
    (one): one is OperationDefinitionNode => "operation" in one,
  );
  const isMutation = definition?.operation === OperationTypeNode.MUTATION;
  const source = isMutation ? client.executeMutation(asked) : client.executeQuery(asked);
  const answer = await source.toPromise();
  if (
    answer.error?.graphQLErrors.some(({ extensions }) => extensions["code"] === "UNAUTHENTICATED") === true
  ) {
    onExpired();
  }
  if (answer.error !== undefined || answer.data === undefined) {
    throw new Error(messageOf(answer));
  }
  return answer.data;
}

function messageOf({ error }: OperationResult<unknown>): string {
  if (error?.networkError !== undefined) {
    return "The service cannot be reached.";
  }
  return error?.graphQLErrors.map(({ message }) => message).join(" ") ?? "The service gave no answer.";
}

function follow<Data, Variables extends Record<string, unknown>>(
  socket: SocketClient,
  { document, variables, onData, onStart, onRefusal }: Following<Data, Variables>,
): () => void {
  const query = String(document);
  let isWanted = true;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let end = (): void => undefined;

  const leaveSocket = socket.on("connected", () => onStart?.());
  const again = (): void => {
    if (isWanted) {
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
      failures += 1;
      timer = setTimeout(start, pause);
    }
  };
  const refuse = (errors: readonly { readonly message?: string }[]): void => {
    isWanted = false;
    onRefusal?.(errors.map(({ message }) => message ?? "").join(" "));
  };
  const subscribe = (given: Variables): void => {
    if (failures > 0) {
      onStart?.();
    }
    end = socket.subscribe<Data>(
      { query, variables: given },
      {
        next({ data, errors }) {
          failures = 0;
          if (errors !== undefined) {
            refuse(errors);
          } else if (data !== undefined && data !== null) {
            onData(data);
          }
        },
        error: (error) => {
          if (Array.isArray(error)) {
            refuse(error as readonly { readonly message?: string }[]);
          }
          again();
        },
        complete: again,
      },
    );
  };
  const start = (): void => {
    Promise.resolve(variables()).then((given) => (isWanted ? subscribe(given) : undefined), again);
  };
  start();
  return () => {
    isWanted = false;
    clearTimeout(timer);
    leaveSocket();
    end();
  };
}
