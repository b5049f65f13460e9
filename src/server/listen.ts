import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { AppError } from "../kernel/app-error.ts";

/**
 * Begins to listen.
 * @returns the port, which the system picks where 0 is asked for
 * @throws AppError START_FAILED, naming host and port
 */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => reject(startFailed(host, port, error));
    server.once("error", fail);
    server.listen(port, host, () => {
      server.off("error", fail);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use. Stop what listens there, or set another PORT",
  EACCES: "the system does not allow it. Set a PORT above 1023",
  EADDRNOTAVAIL: "this machine does not have the address. Set another HOST",
  ENOTFOUND: "the host name is not known. Set another HOST",
};

function startFailed(host: string, port: number, error: NodeJS.ErrnoException): AppError {
  const reason = REASONS[error.code ?? ""] ?? error.message;
  return new AppError("START_FAILED", `Cannot listen on ${hostText(host)}:${port}: ${reason}.`, {
    cause: error,
  });
}

/** As it stands in a URL. */
export function hostText(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
