import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { AppError } from "../kernel/app-error.ts";

/**
 * Listens on the port.
 * @param names of the settings, for the message
 * @returns the port; the system picks one for 0
 * @throws AppError START_FAILED, naming host and port
 */
export async function listen(
  server: Server,
  host: string,
  port: number,
  names = { host: "HOST", port: "PORT" },
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => reject(startFailed({ host, port, names }, error));
    server.once("error", fail);
    server.listen(port, host, () => {
      server.off("error", fail);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}

interface Address {
  readonly host: string;
  readonly port: number;
  readonly names: { readonly host: string; readonly port: string };
}

function startFailed({ host, port, names }: Address, error: NodeJS.ErrnoException): AppError {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `the port is in use. Stop what listens there, or set another ${names.port}`,
    EACCES: `the system does not allow it. Set a ${names.port} above 1023`,
    EADDRNOTAVAIL: `this machine does not have the address. Set another ${names.host}`,
    ENOTFOUND: `the host name is not known. Set another ${names.host}`,
  };
  const reason = reasons[error.code ?? ""] ?? error.message;
  return new AppError("START_FAILED", `Cannot listen on ${hostText(host)}:${port}: ${reason}.`, {
    cause: error,
  });
}

/** The host as in a URL: IPv6 addresses in brackets. */
export function hostText(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
