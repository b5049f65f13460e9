import { setTimeout as delay } from "node:timers/promises";

/** A message of an event stream. */
export interface StreamMessage {
  readonly type: string;
  readonly data: string;
  readonly lastEventId: string;
}

/**
 * An `EventSource` as the HTML standard describes it (Node 20 has none): a stream that ends, or cannot be reached, is asked
 * for again with `Last-Event-ID`; any answer but 200 with an event stream ends it for good.
 */
export class EventSourceClient {
  /** The status of each answer. */
  readonly statuses: number[] = [];
  readonly #url: string;
  readonly #controller = new AbortController();
  #reconnectionMs: number;
  #lastEventId = "";
  #isClosed = false;

  /** @param reconnectionMs browsers wait some seconds; a stream's `retry:` changes it */
  constructor(url: string, reconnectionMs = 20) {
    this.#url = url;
    this.#reconnectionMs = reconnectionMs;
  }

  /** Closes it, as `EventSource.close` does. */
  close(): void {
    this.#isClosed = true;
    this.#controller.abort();
  }

  /** The messages of all connections; ends once it has failed for good. */
  async *messages(): AsyncGenerator<StreamMessage, undefined> {
    while (!this.#isClosed) {
      const response = await this.#connect();
      if (response === "FAILED") {
        return;
      }
      if (response !== "UNREACHABLE") {
        yield* this.#read(response);
      }
      await delay(this.#reconnectionMs);
    }
  }

  async #connect(): Promise<Response | "FAILED" | "UNREACHABLE"> {
    const headers = {
      accept: "text/event-stream",
      "cache-control": "no-store",
      ...(this.#lastEventId === "" ? {} : { "last-event-id": this.#lastEventId }),
    };
    const response = await fetch(this.#url, { headers, signal: this.#controller.signal }).catch(
      () => undefined,
    );
    if (response === undefined) {
      return "UNREACHABLE";
    }
    this.statuses.push(response.status);
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
    return response.status === 200 && isStream ? response : "FAILED";
  }

  async *#read(response: Response): AsyncGenerator<StreamMessage, void> {
    const decoder = new TextDecoder();
    let text = "";
    let fields: string[] = [];
    try {
      for await (const bytes of response.body ?? []) {
        text += decoder.decode(bytes, { stream: true });
        const lines = text.split("\n");
        text = lines.pop() ?? "";
        for (const line of lines) {
          if (line !== "") {
            fields.push(line);
            continue;
          }
          const message = this.#dispatch(fields);
          fields = [];
          if (message !== undefined) {
            yield message;
          }
        }
      }
    } catch {
      // The connection broke: the standard asks for another.
    }
  }

  #dispatch(lines: readonly string[]): StreamMessage | undefined {
    let type = "message";
    const data: string[] = [];
    for (const line of lines) {
      const [, name, value] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
      if (name === "event") {
        type = value ?? "";
      } else if (name === "data") {
        data.push(value ?? "");
      } else if (name === "id") {
        this.#lastEventId = value ?? "";
      } else if (name === "retry") {
        this.#reconnectionMs = Number(value);
      }
    }
    return data.length === 0 ? undefined : { type, data: data.join("\n"), lastEventId: this.#lastEventId };
  }
}
