import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import type { WebSocket } from "ws";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import { ByteBudget } from "../../../src/server/byte-budget.ts";
import { SocketIntake } from "../../../src/server/socket-intake.ts";

/** A WebSocket that notes how it is paused and closed. */
class FakeSocket extends EventEmitter {
  isPaused = false;
  bufferedAmount = 0;
  closed: readonly [code: number, reason: string] | undefined;

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(code: number, reason: string): void {
    this.closed ??= [code, reason];
  }
}

class FakeConnection extends EventEmitter {
  hasEnded = false;

  end(): void {
    this.hasEnded = true;
  }
}

function open(maxBytes = 1_000_000) {
  const budget = new ByteBudget(maxBytes);
  const webSocket = new FakeSocket();
  const connection = new FakeConnection();
  /** What was handled; a `subscribe` ends when the test says so. */
  const handled: unknown[] = [];
  const ends: (() => void)[] = [];
  const intake = new SocketIntake({
    webSocket: webSocket as unknown as WebSocket,
    connection: connection as unknown as Duplex,
    budget,
    logger: createSilentLogger(),
    handle(message) {
      handled.push(message);
      const isOperation = (message as { type?: unknown }).type === "subscribe";
      return isOperation ? new Promise((resolve) => void ends.push(resolve)) : Promise.resolve();
    },
  });
  return {
    budget,
    webSocket,
    connection,
    handled,
    ends,
    intake,
    receive: (bytes: number) => connection.emit("data", Buffer.alloc(bytes)),
    send(message: unknown) {
      const data = Buffer.from(JSON.stringify(message));
      connection.emit("data", data);
      webSocket.emit("message", data);
    },
  };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("what a WebSocket takes in", () => {
  it("is small before the introduction, and until the message is complete", () => {
    const socket = open();
    socket.receive(5_000);
    expect(socket.webSocket.closed).toBeUndefined();
    socket.receive(5_000);
    expect(socket.webSocket.closed).toEqual([1009, "connection_init may have at most 8192 bytes"]);
    expect([socket.webSocket.isPaused, socket.connection.hasEnded]).toEqual([true, true]);
    expect(socket.budget.taken).toBe(5_000);
    socket.webSocket.emit("close");
    expect(socket.budget.taken).toBe(0);
  });

  it.each(["ping", "pong", "complete", "connection_init"])("is small for a %s", async (type) => {
    const socket = open();
    socket.send({ type: "connection_init" });
    socket.send({ type, id: "1", payload: { text: "x".repeat(9_000) } });
    await settled();
    expect(socket.webSocket.closed).toEqual([1009, "Messages but subscribe may have at most 8192 bytes"]);
    expect(socket.handled).toEqual([{ type: "connection_init" }]);
  });

  it.each(["next", "error", "connection_ack"])("is no %s, which only services send", async (type) => {
    const socket = open();
    socket.send({ type, id: "1", payload: [] });
    await settled();
    expect(socket.webSocket.closed).toEqual([4400, "Invalid message received"]);
    expect(socket.handled).toEqual([]);
  });

  it("is bounded over all sockets, also while the operations run", async () => {
    const socket = open(100_000);
    socket.send({ type: "connection_init" });
    socket.send({ type: "subscribe", id: "1", payload: { query: "x".repeat(60_000) } });
    await settled();
    expect(socket.budget.taken).toBeGreaterThan(60_000);
    socket.receive(60_000);
    expect(socket.webSocket.closed).toEqual([1013, "Too much is being received. Try again later"]);
    socket.ends.forEach((end) => end());
    await settled();
    expect(socket.budget.taken).toBe(0);
  });

  it("counts operations until they have stopped, not until the client ends them", async () => {
    const socket = open();
    socket.send({ type: "connection_init" });
    socket.send({ type: "subscribe", id: "1", payload: { query: "{ slow }" } });
    socket.send({ type: "complete", id: "1" });
    await settled();
    expect(socket.intake.operations).toBe(1);
    socket.ends.forEach((end) => end());
    await settled();
    expect(socket.intake.operations).toBe(0);
  });

  it("waits for a client that does not read", () => {
    const socket = open();
    socket.send({ type: "connection_init" });
    socket.webSocket.bufferedAmount = 2_000_000;
    socket.send({ type: "ping" });
    expect(socket.webSocket.isPaused).toBe(true);
    socket.connection.emit("drain");
    expect(socket.webSocket.isPaused).toBe(false);
  });

  it("stays in order around a message that takes its time", async () => {
    const socket = open(100_000_000);
    socket.send({ type: "connection_init" });
    const ids = Array.from({ length: 200_000 }, (_, at) => String(at));
    socket.send({ type: "subscribe", id: "1", payload: { query: "mutation", variables: { ids } } });
    expect(socket.webSocket.isPaused).toBe(true);
    socket.send({ type: "complete", id: "1" });
    socket.send({ type: "ping" });
    while (socket.handled.length < 4) {
      await settled();
    }
    expect(socket.handled.map((message) => (message as { type: string }).type)).toEqual([
      "connection_init",
      "subscribe",
      "complete",
      "ping",
    ]);
    await settled();
    expect(socket.webSocket.isPaused).toBe(false);
  });

  it("is no long text", async () => {
    const socket = open(100_000_000);
    socket.send({ type: "connection_init" });
    socket.send({ type: "subscribe", id: "1", payload: { query: "x".repeat(1_500_000) } });
    while (socket.webSocket.closed === undefined) {
      await settled();
    }
    expect(socket.webSocket.closed).toEqual([1009, "Only the lists of bulk operations may be long"]);
  });
});
