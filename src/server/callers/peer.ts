import type { IncomingMessage } from "node:http";
import { isIPv6 } from "node:net";
import type { RateState } from "../rate-limiter.ts";
import type { IdentifiedRequest } from "../request-id.ts";

/** From where somebody asks. */
export interface Peer {
  /** Of the connection. */
  readonly address: string;
  /** The header `X-Forwarded-For`. */
  readonly forwardedFor: string | undefined;
}

/** The request in which somebody asks. */
export interface CallersRequest extends IdentifiedRequest {
  /** Undefined where it is not known. */
  readonly peer?: Peer | undefined;
  /** How the caller stands to its limit; set once it was counted, where there is a limit. */
  rate?: RateState | undefined;
}

/** From where a request comes. */
export function peerOf({ socket, headers }: IncomingMessage): Peer {
  return {
    address: socket.remoteAddress ?? "",
    forwardedFor: headers["x-forwarded-for"] as string | undefined,
  };
}

/**
 * The address that the outermost of the proxies has seen. What stands before it in the header, anybody may have written.
 * @param proxyHops proxies in front of the service, each of which adds the address of its caller to `X-Forwarded-For`
 */
export function addressOf({ address, forwardedFor = "" }: Peer, proxyHops: number): string {
  if (proxyHops === 0) {
    return address;
  }
  const seen = forwardedFor.split(",").map((one) => one.trim());
  return (seen.at(-proxyHops) ?? address) || address;
}

/** Whose address it is: in IPv6 everybody has a whole network of 64 bits, and may come from any address of it. */
export function holderOf(address: string): string {
  const mapped = /^::ffff:(?=\d+\.)/i;
  if (!isIPv6(address) || mapped.test(address)) {
    return address.replace(mapped, "");
  }
  const [before = "", after] = address.split("::", 2);
  const head = before.split(":").filter((group) => group !== "");
  const tail = (after ?? "").split(":").filter((group) => group !== "");
  const zeros = after === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array.from({ length: zeros }, () => "0"), ...tail];
  return `${groups.slice(0, 4).join(":")}::/64`.toLowerCase();
}
