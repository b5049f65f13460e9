import type { KeyScope } from "../../core/access/api-key.ts";
import { AppError } from "../../kernel/app-error.ts";
import type { Audit, AuditEntry } from "../../kernel/audit.ts";
import type { Asker } from "../mask-error.ts";
import type { RateLimiter } from "../rate-limiter.ts";
import { requestIdOf } from "../request-id.ts";
import type { Caller, CallerRefusal } from "./caller.ts";
import { heldScopes, isGranted, unauthenticated } from "./caller.ts";
import type { CallersRequest } from "./peer.ts";
import { addressOf, holderOf } from "./peer.ts";

/** The request, or the operation of a WebSocket, of an operation's context. */
export function requestOf({ request, socketOperation }: Asker): CallersRequest {
  return socketOperation ?? request ?? { headers: new Headers(), rate: undefined };
}

/** A field of an operation that was answered with an error. */
export interface RefusedField {
  /** Undefined where a fragment has it, and where all of the operation is meant. */
  readonly name: string | undefined;
  readonly code: string;
}

/** The options of {@link CallerGuard}. */
export interface CallerGuardOptions {
  /** Of a caller's operations and files. Left out: it may have any number. */
  readonly operations?: RateLimiter | undefined;
  /** Of an address's failed sign-ins. Left out: it may have any number. */
  readonly failures?: RateLimiter | undefined;
  /** 0 for any number. */
  readonly maxConnectionsPerViewer: number;
  readonly proxyHops: number;
  /** Default: nothing is noted. */
  readonly audit?: Audit | undefined;
}

/** Time after which a caller without room for a connection should try again, in s. */
const CONNECTION_RETRY_S = 5;

/** Keeps callers within what they may ask for, on every transport, and notes each refusal in the audit log. */
export class CallerGuard {
  readonly #options: CallerGuardOptions;
  readonly #connections = new Map<string, number>();
  /** The requests about which there is a line. */
  readonly #noted = new WeakSet<CallersRequest>();

  constructor(options: CallerGuardOptions) {
    this.#options = options;
  }

  /**
   * Asks, before a credential is verified, whether too many from its address have failed.
   * @throws AppError RATE_LIMITED
   */
  admitTry(request: CallersRequest): void {
    const { failures } = this.#options;
    const address = failures && this.addressOf(request);
    if (address !== undefined) {
      this.#orNote(request, { reason: "failed sign-ins", viewerId: null }, () =>
        failures?.requireRoom(failureKey(address)),
      );
    }
  }

  /** Counts and notes a caller that is not let in. @returns what it is told */
  refuse(request: CallersRequest, { reason, key, viewerId = null, isTry }: CallerRefusal): AppError {
    const action = key === undefined ? "connect" : "key";
    this.#note(request, { action, outcome: "unauthenticated", reason, key, viewerId });
    const { failures } = this.#options;
    const address = isTry ? failures && this.addressOf(request) : undefined;
    if (address !== undefined) {
      try {
        failures?.take(failureKey(address));
      } catch {
        // Others of its address failed meanwhile. This one was looked at, so it gets its answer.
      }
    }
    return unauthenticated();
  }

  /** Notes what was refused of a request, unless the guard itself has refused all of it. */
  noteRefused(
    action: "document" | "query" | "mutation" | "subscription",
    viewerId: string | null,
    request: CallersRequest,
    fields: readonly RefusedField[],
  ): void {
    if (!this.#noted.has(request)) {
      for (const { name, code } of fields) {
        this.#note(request, { action, outcome: code.toLowerCase(), reason: name, viewerId });
      }
    }
  }

  /** Notes a file that is not sent or taken. */
  noteFile(
    { viewer: { id } }: Caller,
    request: CallersRequest,
    file: Pick<AuditEntry, "action" | "model" | "taskId" | "outcome">,
  ): void {
    this.#note(request, { ...file, viewerId: id });
  }

  /** Notes a caller that was refused before it was asked who it is. */
  noteStranger(
    request: CallersRequest,
    outcome: "forbidden" | "limit" | "unavailable",
    reason: string,
  ): void {
    this.#note(request, { action: "connect", outcome, reason, viewerId: null });
  }

  /**
   * Counts one operation or file, and notes the state in the request. Callers without a name are counted by address, if that
   * is known.
   * @throws AppError RATE_LIMITED
   */
  count({ viewer: { id, apiKeyId } }: Caller, request: CallersRequest): void {
    const { operations } = this.#options;
    if (operations === undefined) {
      return;
    }
    const address = id === null ? this.addressOf(request) : undefined;
    const caller = id !== null ? `viewer:${id}` : address && `address:${holderOf(address)}`;
    if (caller !== undefined) {
      this.#orNote(request, { reason: "operations", viewerId: id, key: apiKeyId }, () => {
        request.rate = operations.take(caller);
      });
    }
  }

  /** @throws AppError FORBIDDEN unless the caller's key may be used for that */
  requireScope(caller: Caller, scope: KeyScope, request: CallersRequest): void {
    if (isGranted(caller, scope)) {
      return;
    }
    const { id, apiKeyId } = caller.viewer;
    const noted = { reason: `no scope ${scope}`, viewerId: id, key: apiKeyId };
    this.#note(request, { action: "key", outcome: "forbidden", ...noted });
    throw new AppError(
      "FORBIDDEN",
      `This API key is good for: ${heldScopes(caller) || "nothing"}. This needs one with the scope ${scope}.`,
    );
  }

  /**
   * Counts a WebSocket or an event stream that a viewer opens.
   * @returns what to call at its end; idempotent
   * @throws AppError LIMIT_EXCEEDED
   */
  enter({ viewer: { id, apiKeyId } }: Caller, request: CallersRequest): () => void {
    const max = this.#options.maxConnectionsPerViewer;
    if (id === null || max === 0) {
      return () => undefined;
    }
    const count = this.#connections.get(id) ?? 0;
    if (count >= max) {
      const noted = { reason: "connections", viewerId: id, key: apiKeyId };
      this.#note(request, { action: "connect", outcome: "limit", ...noted });
      throw tooManyConnections(max);
    }
    this.#connections.set(id, count + 1);
    let isOpen = true;
    return () => {
      if (isOpen) {
        isOpen = false;
        this.#leave(id);
      }
    };
  }

  /** From where it comes; undefined where that is not known. */
  addressOf({ peer }: CallersRequest): string | undefined {
    return peer && addressOf(peer, this.#options.proxyHops);
  }

  #leave(id: string): void {
    const count = (this.#connections.get(id) ?? 1) - 1;
    if (count === 0) {
      this.#connections.delete(id);
    } else {
      this.#connections.set(id, count);
    }
  }

  /** Notes that a caller has no room left, if it has none. */
  #orNote(
    request: CallersRequest,
    noted: Pick<AuditEntry, "reason" | "viewerId" | "key">,
    take: () => void,
  ): void {
    try {
      take();
    } catch (error) {
      this.#note(request, { action: "connect", outcome: "rate_limited", ...noted });
      throw error;
    }
  }

  #note(request: CallersRequest, entry: AuditEntry): void {
    const { audit } = this.#options;
    this.#noted.add(request);
    audit?.({ ...entry, requestId: requestIdOf(request), peer: this.addressOf(request) });
  }
}

function failureKey(address: string): string {
  return `failed:${holderOf(address)}`;
}

/** With its JSON around it, the message fits into the close of a WebSocket. */
function tooManyConnections(max: number): AppError {
  const headers = { "retry-after": String(CONNECTION_RETRY_S) };
  return new AppError("LIMIT_EXCEEDED", `At most ${max} connections per viewer. Close some first.`, {
    details: { max, http: { status: 429, headers } },
  });
}
